"""Templates for `templates.py`, and the series that they are filled in with."""

import random

SERIES = [
    ('m{instance="db-1.example.org:9100", job="a&b<c>\\"d\\" é", empty="", n="12.5"}', "1234567.891x20"),
    ('small{instance="10.0.0.1:9100"}', "0.000012345x20"),
    ('many{host="h3", n="10"}', "3x20"),
    ('many{host="h1", n="9"}', "1x20"),
    ('many{host="h2", n="100"}', "2.5x20"),
    ('odd{kind="nan"}', "NaN " * 21),
    ('odd{kind="inf"}', "Inf " * 21),
    ('odd{kind="neg"}', "-Inf " * 21),
    ('when', "1435065584.128x20"),
]

NUMBERS = (
    "0 1 -1 0.1 0.5 -0.5 1.5 9.995 10 12.3456 99.99 59.999 60 61 100 123.456 999.9 999.99 1000 1023 1024 1025 3599 3600 86399 86400 "
    "90061.5 1048576 1234567 1e6 1e9 123456789012 1e15 1e18 1e21 1e24 1e27 1e30 0.00012 0.0001 0.00001234 1e-6 1e-9 1e-12 1e-15 1e-18 1e-21 "
    "1e-24 1e-27 1e-30 1.005 2.675 0.123456 0.99999 -1234567 -86461 -0.0001 1e100 1e308 4.9e-324"
).split()

VERBS = ("%v %d %f %.2f %.0f %e %.3e %g %.3g %G %E %5.1f %-8.2f| %08.3f %+.1f %s %q %t %x %X %T %% %b %o %c %U %#v %+v %6d %-6d| "
         "%06d %+d %.3s %10s| %-10s| %.10g %010d %+q %x%% %5t %05s %.f %6.f % d %08.3e %+v %.4v").split()

FUNCTIONS_OF_NUMBERS = "humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime".split()

TEXTS = [
    # What rules say.
    "plain", "", " a  b ", "é😀 \\ \" ' ` {} } {", "a\nb\n", "100%",
    "{{ $labels.instance }} {{ .Labels.job }} {{$labels.none}}|{{ $labels.empty }}",
    "{{ $value }} {{ .Value }} {{ $value | humanize }} {{ printf \"%.2f\" $value }}",
    "{{ $externalLabels.cluster }} {{ .ExternalLabels.zone }} {{ $externalURL }} {{ .ExternalURL }} {{ externalURL }} {{ pathPrefix }}",
    "{{ $labels }}", "{{ . }}", "{{ $ }}", "{{ .Labels }}", "{{ .ExternalLabels }}", "{{ $externalLabels }}",
    "{{ $labels.instance | stripPort }}", "{{ $labels.instance | stripPort | toUpper | title }}",
    # Text, comments, trimming.
    "a {{- \"b\" -}} c", "a {{- 1 }} b", "a {{ 1 -}} b", "a\n\t{{- 1 -}}\n b", "{{/* c */}}x", "a {{- /* c */ -}} b", "{{/* a\nb */}}c",
    "{{ print \"{{\" \"}}\" }}", "{{`raw \\n`}}", "{{ \"\\t\\\"\\u00e9\\x41\\101\\U0001F600\" }}", "{{ 'a' }} {{ '\\n' }} {{ '\\u00e9' }} {{ '\\'' }}",
    "{{1}}{{ 1 }}{{- 1}} {{ -1 }} {{-1}}", "{{ 1 }}\n{{ 2 }}", "{{\n1\n}}", "{{ 1\n}}",
    # Numbers.
    "{{ 1 }} {{ 1.0 }} {{ 1.5e3 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ 0x1p4 }} {{ 1e6 }} {{ 1e20 }} {{ 1e21 }} {{ 1e22 }} {{ .5 }} {{ 5. }} {{ +5 }}",
    "{{ 9223372036854775807 }}", "{{ 9223372036854775808 }}", "{{ -9223372036854775808 }}", "{{ 1e400 }}", "{{ 1i }}", "{{ 2.5i }}", "{{ 100000.0 }} {{ 1000000.0 }} {{ 123456789.0 }} {{ 0.0001 }} {{ 0.00001 }}",
    "{{ true }} {{ false }}", "{{ nil }}", "{{ 1a }}", "{{ 0x }}", "{{ 1..2 }}", "{{ 1.2.3 }}", "{{ 08 }}",
    # Pipelines.
    "{{ 1 | print 2 }}", "{{ \"a\" | printf \"%s-%s\" \"b\" }}", "{{ (1 | print) | len }}", "{{ 1 | 2 }}", "{{ | }}", "{{ 1 | }}", "{{ print | print }}", "{{ print }}|{{ println }}",
    "{{ ((print ((1)))) }}", "{{ (print 1 2).x }}", "{{ (\"a\") }}", "{{ \"a\" \"b\" }}", "{{ 1 2 }}", "{{ true 1 }}", "{{ . 1 }}", "{{ $labels 1 }}", "{{ .Value 1 }}", "{{ 1 | .Value }}", "{{ 1 | $value }}",
    # Variables.
    "{{ $x := 1 }}{{ $x }}", "{{ $x := 1 }}{{ $x = 2 }}{{ $x }}", "{{ $x := \"a\" }}{{ if true }}{{ $x = \"b\" }}{{ $y := 1 }}{{ $y }}{{ end }}{{ $x }}", "{{ $x }}", "{{ $x = 1 }}", "{{ $x := }}", "{{ $x:=1 }}{{$x}}",
    "{{ if $x := 5 }}{{ $x }}{{ end }}", "{{ if $x := 0 }}a{{ else }}{{ $x }}{{ end }}", "{{ $x := 1 }}{{ with $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "{{ $x, $y := 1 }}", "{{ $labels := 1 }}{{ $labels }}", "{{ $value = 5.5 }}{{ $value }}", "{{ $ := 1 }}", "{{ $é := 1 }}{{ $é }}", "{{ $x.y }}",
    # Branches.
    "{{ if true }}a{{ end }}", "{{ if false }}a{{ else }}b{{ end }}", "{{ if 0 }}a{{ else if 1 }}b{{ else }}c{{ end }}", "{{ if \"\" }}a{{ else if 0.0 }}b{{ else if $labels }}c{{ end }}", "{{ if .Labels.none }}a{{ else }}b{{ end }}",
    "{{ if gt $value 100.0 }}high{{ else }}low{{ end }}", "{{ if gt $value 100 }}high{{ end }}", "{{ with .Labels.job }}{{ . }}{{ end }}", "{{ with \"\" }}a{{ else }}{{ $value }}{{ end }}", "{{ with $x := \"v\" }}{{ $x }}{{ . }}{{ end }}", "{{ with 1 }}{{ $.Value }}{{ end }}",
    "{{ if }}a{{ end }}", "{{ if true }}", "{{ end }}", "{{ else }}", "{{ if true }}{{ else }}{{ else }}{{ end }}", "{{ if true }}a{{ else with }}b{{ end }}", "{{ if not true }}a{{ else }}b{{ end }}", "{{ if and true 0 }}a{{ else }}b{{ end }}", "{{ if or 0 \"x\" }}a{{ end }}", "{{ else if }}", "{{ if true }}{{ else if }}{{ end }}",
    # Loops.
    "{{ range query \"many\" | sortByLabel \"host\" }}{{ .Labels.host }}={{ .Value }} {{ end }}", "{{ range query \"many\" | sortByLabel \"host\" }}{{ .Labels.host }}{{ end }}", "{{ range query \"many\" | sortByLabel \"n\" }}{{ .Labels.n }} {{ end }}",
    "{{ range $i, $s := query \"many\" | sortByLabel \"host\" }}{{ if $i }}, {{ end }}{{ $i }}:{{ $s.Labels.host }}{{ end }}", "{{ range $s := query \"many\" | sortByLabel \"n\" }}{{ $s.Value }};{{ end }}", "{{ range query \"none\" }}x{{ else }}empty{{ end }}", "{{ range .Labels }}{{ . }} {{ end }}", "{{ range $k, $v := .Labels }}{{ $k }}={{ $v }} {{ end }}",
    "{{ range query \"many\" | sortByLabel \"host\" }}{{ if eq .Labels.host \"h2\" }}{{ continue }}{{ end }}{{ .Labels.host }}{{ end }}", "{{ range query \"many\" | sortByLabel \"host\" }}{{ if eq .Labels.host \"h2\" }}{{ break }}{{ end }}{{ .Labels.host }}{{ end }}", "{{ break }}", "{{ continue }}", "{{ range 1 }}{{ end }}{{ break }}",
    "{{ range \"text\" }}{{ end }}", "{{ range 1.5 }}{{ end }}", "{{ range true }}{{ end }}", "{{ range $value }}{{ end }}", "{{ range nil }}{{ end }}", "{{ range . }}{{ end }}", "{{ range $i, $j, $k := query \"many\" }}{{ end }}", "{{ range args 1 2 3 }}{{ . }}{{ end }}", "{{ range $k, $v := args \"a\" 2 }}{{ $k }}:{{ $v }} {{ end }}",
    "{{ $x := 0 }}{{ range query \"many\" | sortByLabel \"host\" }}{{ $x = .Value }}{{ end }}{{ $x }}", "{{ range query \"many\" }}{{ $.Value }} {{ end }}", "{{ range $x = query \"many\" }}{{ end }}", "{{ $x := 1 }}{{ range $x = query \"many\" | sortByLabel \"host\" }}{{ end }}{{ $x.Value }}",
    # Templates within.
    "{{ define \"a\" }}<{{ . }}>{{ end }}{{ template \"a\" 1 }}{{ template \"a\" }}", "{{ template \"none\" }}", "{{ template \"none\" . }}", "{{ block \"b\" . }}{{ .Value }}{{ end }}", "{{ block \"b\" }}x{{ end }}", "{{ define \"a\" }}x{{ end }}", "{{ define \"a\" }}{{ .arg0 }} {{ .arg1 }}|{{ .arg2 }}{{ end }}{{ template \"a\" (args 1 \"b\") }}",
    "{{ define a }}{{ end }}", "{{ define \"a\" }}{{ $labels }}{{ end }}", "{{ define \"a\" }}1{{ end }}{{ define \"a\" }}2{{ end }}{{ template \"a\" }}", "{{ template }}", "{{ template 1 }}", "{{ if true }}{{ define \"a\" }}{{ end }}{{ end }}", "{{ define \"a\" }}{{ template \"b\" . }}{{ end }}{{ define \"b\" }}{{ .Value }}{{ end }}{{ template \"a\" . }}",
    "{{ template \"__alert_T\" }}", "{{ define \"__alert_T\" }}x{{ end }}",
    # Comparing.
    "{{ eq 1 1 }} {{ eq 1 2 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 2 1 }}", "{{ eq \"a\" \"a\" }} {{ lt \"a\" \"b\" }}", "{{ eq true true }}", "{{ lt true false }}", "{{ eq 1 1.0 }}", "{{ eq 1.5 1.5 }} {{ lt 1.5 2.5 }}", "{{ eq \"1\" 1 }}", "{{ eq 1 }}", "{{ eq }}", "{{ eq $labels $labels }}", "{{ eq . 1 }}", "{{ eq (query \"many\") 1 }}", "{{ lt $labels 1 }}", "{{ eq nil nil }}", "{{ eq $value 1234567.891 }}", "{{ eq 'a' 97 }}", "{{ ne \"a\" \"a\" \"b\" }}", "{{ lt 1 2 3 }}", "{{ eq 1 \"a\" 1 }}", "{{ eq 1 1 \"a\" }}", "{{ eq .Labels.none \"\" }}", "{{ eq (args) (args) }}", "{{ eq (index (args 1) \"arg1\") 1 }}",
    "{{ and 1 2 }} {{ and 0 2 }} {{ and \"\" 2 }}| {{ or 0 2 }} {{ or 1 2 }} {{ or 0 \"\" }}| {{ not 1 }} {{ not \"\" }}", "{{ and }}", "{{ or }}", "{{ not }}", "{{ not 1 2 }}", "{{ and 1 (index 1 2) }}", "{{ and 0 (index 1 2) }}", "{{ or 1 (index 1 2) }}", "{{ 1 | and 2 }} {{ 0 | or 0 }} {{ 5 | or 0 }}",
    # Indexing.
    "{{ len \"é\" }} {{ len $labels }} {{ len (query \"many\") }} {{ len \"\" }}", "{{ len 1 }}", "{{ len nil }}", "{{ len }}", "{{ len 1 2 }}", "{{ len .Labels.none }}", "{{ index $labels \"job\" }} {{ index $labels \"none\" }}|", "{{ index $labels 1 }}", "{{ index (query \"many\" | sortByLabel \"host\") 1 }}", "{{ (index (query \"many\" | sortByLabel \"n\") 0).Labels.host }}", "{{ index (query \"many\") 9 }}", "{{ index (query \"many\") -1 }}", "{{ index (query \"many\") \"a\" }}", "{{ index \"abc\" 1 }}", "{{ index \"abc\" 3 }}", "{{ index 1 2 }}", "{{ index $labels }}", "{{ index }}", "{{ index nil 1 }}", "{{ index (args 1 2) \"arg1\" }}", "{{ index (args 1 2) \"arg7\" }}",
    "{{ slice \"abcdef\" 1 3 }} {{ slice \"abc\" 1 }} {{ slice \"abc\" }}", "{{ slice \"abc\" 2 1 }}", "{{ slice \"abc\" 4 }}", "{{ slice \"abc\" -1 }}", "{{ slice \"abc\" 0 1 2 }}", "{{ slice (query \"many\") 1 2 }}", "{{ len (slice (query \"many\") 1) }}", "{{ slice 1 }}", "{{ slice $labels }}", "{{ slice (query \"many\") 0 1 2 | len }}", "{{ slice \"é\" 0 1 }}",
    "{{ call 1 }}", "{{ call nil }}", "{{ call }}", "{{ call $labels }}", "{{ call \"print\" }}",
    # Printing.
    "{{ print 1 2 }} {{ print \"a\" 1 2 \"b\" }} {{ print 1.5 true nil }}", "{{ print nil }}", "{{ println \"a\" 1 }}|", "{{ print $labels }}", "{{ print . }}", "{{ print (query \"many\") }}", "{{ query \"many\" }}", "{{ query \"many{n='9'}\" | first }}", "{{ args }} {{ args 1 \"a\" }}", "{{ print (args 1 nil) }}", "{{ printf \"%v\" (query \"many\") }}", "{{ printf \"%v\" $labels }}", "{{ printf \"%s\" $labels }}", "{{ printf \"%d\" $labels }}", "{{ printf \"%+v\" (args 1) }}", "{{ printf \"%T\" $labels }} {{ printf \"%T\" (query \"many\") }} {{ printf \"%T\" (query \"many\" | first) }} {{ printf \"%T\" (args) }} {{ printf \"%T\" nil }} {{ printf \"%T\" . }} {{ printf \"%T\" 'a' }}",
    "{{ printf \"%d %s\" 1 }}", "{{ printf \"%d\" 1 2 }}", "{{ printf \"%\" }}", "{{ printf \"%!\" }}", "{{ printf \"%z\" 1 }}", "{{ printf \"%[2]d %[1]d\" 1 2 }}", "{{ printf \"%[3]d\" 1 }}", "{{ printf \"%*d|\" 5 1 }}", "{{ printf \"%-*d|\" 5 1 }}", "{{ printf \"%.*f\" 2 1.23456 }}", "{{ printf \"%[1]v %[1]T\" 1 }}", "{{ printf 1 }}", "{{ printf }}", "{{ printf \"%s\" \"\" }}|", "{{ printf \"%s\" nil }}", "{{ printf \"%v\" nil }}", "{{ printf \"%d\" nil }}", "{{ printf \"%5v|%-5v|\" true nil }}", "{{ printf \"%x\" \"é\" }} {{ printf \"% x\" \"abc\" }} {{ printf \"%#x\" \"abc\" }} {{ printf \"%X\" \"abc\" }}", "{{ printf \"%q\" \"é\\n\" }} {{ printf \"%+q\" \"é\" }} {{ printf \"%#q\" \"a`b\" }} {{ printf \"%#q\" \"ab\" }}", "{{ printf \"%t\" 1 }}", "{{ printf \"%.2f%%\" 12.345 }}", "{{ printf \"%6.2f|%-8.3f|%+.1f|% .1f\" 3.14159 3.14159 3.14159 3.14159 }}", "{{ printf \"%c%c\" 97 233 }} {{ printf \"%U\" 233 }} {{ printf \"%#U\" 233 }}", "{{ printf \"%s %v %d\" (toTime 0) (toTime 0) 1 }}", "{{ printf \"%.3s|%.0s|\" \"abcdef\" \"abc\" }}", "{{ printf \"%08b\" 5 }} {{ printf \"%o\" 8 }} {{ printf \"%O\" 8 }} {{ printf \"%#o\" 8 }} {{ printf \"%#b\" 5 }}", "{{ printf \"%s\" 1.5 }}", "{{ printf \"%d\" \"a\" }}", "{{ printf \"%f\" 1 }}", "{{ printf \"%s\" true }}", "{{ printf \"%v %v\" 1e6 123456789.0 }}", "{{ printf \"%1001d\" 1 | len }}", "{{ printf \"%99999999999d\" 1 }}", "{{ printf \"%.99999999999f\" 1.0 }}", "{{ printf \"%#v\" \"a\" }} {{ printf \"%#v\" 1 }} {{ printf \"%#v\" 1.0 }} {{ printf \"%#v\" true }} {{ printf \"%#v\" nil }}", "{{ printf \"%w\" 1 }}", "{{ printf \"%p\" 1 }}", "{{ printf \"%é\" 1 }}",
    "{{ html \"<a href='x'>&\\\"</a>\" }}", "{{ html 1 \"<\" }}", "{{ html $labels }}", "{{ html nil }}", "{{ js \"it's <b> \\\"x\\\" = & \\\\ \\n\\t\\r é \\u2028\\x00\" }}", "{{ js 1 \"'\" }}", "{{ urlquery \"a b&c/d?é=+~-_.\" }}", "{{ urlquery \"a\" 1 }}", "{{ $labels.job | html }} {{ $labels.job | urlquery }} {{ $labels.job | js }}", "{{ html }}", "{{ safeHtml \"<b>\" }}", "{{ safeHtml 1 }}",
    # Prometheus' functions.
    "{{ query \"many{n='9'}\" | first | value }}", "{{ query \"none\" | first }}", "{{ query \"many{n='9'}\" | first | label \"host\" }} {{ query \"many\" | first | label \"none\" }}|", "{{ query \"many\" | first | strvalue }}|", "{{ query \"bad(\" }}", "{{ query \"many[5m]\" }}", "{{ query \"1\" }}", "{{ query \"time()\" | first | value }}", "{{ query \"'text'\" }}", "{{ query \"sum(many)\" | first | value }}", "{{ query 1 }}", "{{ query }}", "{{ query \"\" }}", "{{ query \"scalar(m)\" | first }}", "{{ query \"1\" | first | label \"a\" }}|", "{{ query \"many == bool 1\" | sortByLabel \"host\" }}", "{{ with query \"many{host='h1'}\" }}{{ . | first | value | printf \"%.2f\" }}{{ end }}", "{{ query (printf \"many{host='%s'}\" \"h2\") | first | value }}", "{{ query `sort_desc(many)` | first | value }}", "{{ range query \"topk(2, many)\" | sortByLabel \"host\" }}{{ .Labels }} {{ end }}", "{{ query \"many{n='9'}\" | sortByLabel \"none\" | first }}", "{{ query \"many\" | sortByLabel 1 }}", "{{ sortByLabel \"a\" 1 }}", "{{ first 1 }}", "{{ first nil }}", "{{ first }}", "{{ label \"a\" 1 }}", "{{ label 1 (query \"many\" | first) }}", "{{ value 1 }}", "{{ value nil }}", "{{ (query \"many{n='9'}\" | first).Labels.host }} {{ (query \"many{n='9'}\" | first).Value }}", "{{ (query \"many\" | first).Foo }}", "{{ (query \"many\").Foo }}", "{{ query \"m + on() many\" }}", "{{ query \"count_values('__value__', many{host='h1'})\" | first | strvalue }}",
    "{{ query \"odd\" | sortByLabel \"kind\" }}", "{{ range query \"odd\" | sortByLabel \"kind\" }}{{ .Value }} {{ .Value | humanize }} {{ .Value | humanize1024 }} {{ .Value | humanizeDuration }} {{ .Value | humanizePercentage }};{{ end }}", "{{ range query \"odd\" | sortByLabel \"kind\" }}{{ .Value | humanizeTimestamp }};{{ end }}", "{{ range query \"odd\" | sortByLabel \"kind\" }}{{ .Value | toTime }};{{ end }}", "{{ query \"odd{kind='nan'}\" | first | value | toTime }}",
    "{{ stripPort \"a:1\" }} {{ stripPort \"a\" }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"::1\" }} {{ stripPort \"a:b:c\" }} {{ stripPort \"\" }}| {{ stripPort \":80\" }}| {{ stripPort \"[::1]\" }} {{ stripPort \"a:\" }} {{ stripPort \"[a]b:1\" }} {{ stripPort \"a[b]:1\" }} {{ stripPort \"[a:1\" }} {{ stripPort \"a]:1\" }}", "{{ stripDomain \"a.b.c:1\" }} {{ stripDomain \"a\" }} {{ stripDomain \"10.0.0.1:80\" }} {{ stripDomain \"[::1]:80\" }} {{ stripDomain \"::1\" }} {{ stripDomain \".a\" }}| {{ stripDomain \"\" }}| {{ stripDomain \"a.b\" }} {{ stripDomain \"[fe80::1]\" }} {{ stripDomain \"a.b:c.d\" }}", "{{ stripPort 1 }}", "{{ stripDomain nil }}",
    "{{ title \"ab cd-ef_gh'ij é.k\" }} {{ title \"ABC\" }} {{ title \"\" }}| {{ title \"1a ǆ ß\" }}", "{{ toUpper \"aßéİ\" }} {{ toLower \"AÉİΣ\" }}", "{{ toUpper 1 }}", "{{ title nil }}",
    "{{ match \"a.c\" \"xabcx\" }} {{ match \"^b\" \"abc\" }} {{ match \"\" \"\" }} {{ match \"(?i)A\" \"a\" }}", "{{ match \"(\" \"a\" }}", "{{ match \"a\" 1 }}", "{{ match \"a\" }}", "{{ match \"(?=a)\" \"a\" }}", "{{ match \"\\\\p{Greek}\" \"α\" }}", "{{ reReplaceAll \"(.*):(.*)\" \"$2-${1}x-$1x|\" \"a:b\" }}", "{{ reReplaceAll \"a*\" \"X\" \"baac\" }}", "{{ reReplaceAll \"(\" \"\" \"a\" }}", "{{ reReplaceAll \"b\" \"$$1\" \"abc\" }} {{ reReplaceAll \"(?P<n>b)\" \"<${n}>\" \"abc\" }} {{ reReplaceAll \"b\" \"$0$9\" \"abc\" }} {{ reReplaceAll \"b\" \"${\" \"abc\" }}", "{{ \"abc\" | reReplaceAll \"b\" \"\" }}", "{{ reReplaceAll \"^\" \"> \" \"a\" }} {{ reReplaceAll \"$\" \"<\" \"a\" }} {{ reReplaceAll \"\" \"-\" \"éa\" }}",
    "{{ graphLink \"up{job='x'} + 1\" }}", "{{ tableLink \"sum(rate(a[5m])) / 2\" }}", "{{ graphLink 1 }}", "{{ graphLink \"é&=#\\n\" }}", "{{ externalURL 1 }}", "{{ pathPrefix | len }}",
    "{{ parseDuration \"1h30m\" }} {{ parseDuration \"90s\" }} {{ parseDuration \"1d\" }} {{ parseDuration \"100ms\" }} {{ parseDuration \"0\" }}", "{{ parseDuration \"x\" }}", "{{ parseDuration \"\" }}", "{{ parseDuration 1 }}", "{{ parseDuration \"1.5h\" }}", "{{ parseDuration \"1h\" | humanizeDuration }}", "{{ if gt (parseDuration \"1m\") 30.0 }}y{{ end }}",
    "{{ humanize \"1234\" }} {{ humanizeDuration \"60\" }} {{ humanizePercentage \"0.5\" }} {{ humanize1024 \"2048\" }} {{ humanizeTimestamp \"0\" }}", "{{ humanize \"x\" }}", "{{ humanize \"\" }}", "{{ humanize nil }}", "{{ humanize true }}", "{{ humanize $labels }}", "{{ humanize }}", "{{ humanize 1 2 }}", "{{ humanizeDuration \"1h\" }}", "{{ $labels.n | humanize }}", "{{ humanize \"0x10\" }} {{ humanize \"1_0\" }} {{ humanize \"Inf\" }} {{ humanize \"+5\" }} {{ humanize \"1e3\" }}", "{{ humanize \" 1\" }}", "{{ humanize \"1e400\" }}", "{{ humanizePercentage \"x\" }}", "{{ humanizeTimestamp 1e30 }}", "{{ toTime 1e30 }}", "{{ humanizeTimestamp -1 }} {{ humanizeTimestamp 1.5 }} {{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 1e9 }} {{ humanizeTimestamp 0.001 }} {{ humanizeTimestamp 9e9 }}", "{{ humanizeDuration 'a' }}", "{{ humanize 5 }} {{ humanizeDuration 90 }} {{ humanizePercentage 1 }}",
    # Methods of times.
    "{{ toTime $value }}", "{{ (toTime 1435065584.128).Year }} {{ (toTime 1435065584.128).Month }} {{ (toTime 1435065584.128).Day }} {{ (toTime 1435065584.128).Hour }} {{ (toTime 1435065584.128).Minute }} {{ (toTime 1435065584.128).Second }} {{ (toTime 1435065584.128).Nanosecond }} {{ (toTime 1435065584.128).Weekday }} {{ (toTime 1435065584.128).YearDay }} {{ (toTime 1435065584.128).Unix }} {{ (toTime 1435065584.128).UnixMilli }} {{ (toTime 1435065584.128).UnixNano }} {{ (toTime 1435065584.128).UnixMicro }}",
    "{{ (toTime 1435065584.128).Format \"2006-01-02T15:04:05.000Z07:00\" }}", "{{ (toTime 1435065584.128).Format \"Mon Jan _2 15:04:05 MST 2006\" }}", "{{ (toTime 1435065584.128).Format \"Monday, January 2 2006 3:04PM pm 06 01 1 02 2 002 __2 15 03 3 04 4 05 5 -0700 -07:00 -07 Z0700\" }}", "{{ (toTime 1435065584.128).Format \"05.000 05.999999 05,000 .00 .9\" }}", "{{ (toTime 0).UTC }}", "{{ (toTime 0).String }}", "{{ (toTime 0).IsZero }}", "{{ (toTime 0).Foo }}", "{{ (toTime 0).Format }}", "{{ (toTime 0).Format 1 }}", "{{ (toTime 0).Year 1 }}", "{{ ((toTime 0).UTC).Year }} {{ (toTime 0).UTC.Year }}", "{{ \"2006\" | (toTime 0).Format }}", "{{ (toTime 60).Sub (toTime 0) }}", "{{ (toTime 0).Before (toTime 1) }}", "{{ (toTime 0).Date }}", "{{ with toTime 86400 }}{{ .Year }}-{{ .Month }}-{{ .Day }}{{ end }}", "{{ $t := toTime 0 }}{{ $t.Format \"2006\" }}", "{{ (toTime 0).Month | printf \"%d\" }} {{ printf \"%02d\" (toTime 0).Hour }}", "{{ eq (toTime 0).Month 1 }}", "{{ (toTime 0).Location }}", "{{ (toTime 0).AddDate 0 1 0 }}", "{{ eq (toTime 0).Year 1970 }}", "{{ if toTime 0 }}y{{ end }}", "{{ (toTime 0).Equal (toTime 0) }}", "{{ (toTime 0).GoString }}", "{{ printf \"%d\" (toTime 0) }}", "{{ len (toTime 0) }}", "{{ toTime 0 | print }}", "{{ toTime 0 | humanize }}", "{{ (toTime 1).Local }}", "{{ (toTime 0).ISOWeek }}", "{{ (toTime 0).Add 1 }}", "{{ (toTime 90061).Truncate 1000000000 }}",
    # What fails, and how it is told.
    "{{ .Foo }}", "{{ .Labels.a.b }}", "{{ $labels.a.b }}", "{{ $value.x }}", "{{ .Value.Count }}", "{{ $labels.instance.x }}", "a\n\n  {{ .Foo }}", "{{ nofunc }}", "{{ nofunc 1 }}", "{{ 1 | nofunc }}", "{{ tmpl \"a\" . }}", "{{", "}}", "{{ ", "{{ 1", "{{ \"a }}", "{{ `a }}", "{{ 'a }}", "{{ '' }}", "{{ 'ab' }}", "{{ \"\\q\" }}", "{{ (1 }}", "{{ 1) }}", "{{ () }}", "{{ }}", "{{/* a }}", "{{/* a */ }}", "{{ /* a */ }}", "{{ % }}", "{{ a! }}", "{{ .a! }}", "{{ $a! }}", "{{ .5a }}", "{{ . .}}", "{{ .. }}", "{{ .a..b }}", "{{ $.a }}", "{{ $. }}", "{{ $..a }}", "{{ .Labels.é }}", "{{ .Labels.a-b }}", "{{ a.b }}", "{{ print.x }}", "{{ \"a\".x }}", "{{ 1 .x }}", "{{ nil.x }}", "{{ true.x }}", "{{ (1).x }}", "{{ 1,2 }}", "{{ print , }}", "{{ := }}", "{{ = 1 }}", "{{ a := 1 }}", "{{ $x := 1 := 2 }}", "{{ print := 1 }}", "{{ if $x = 1 }}{{ end }}", "{{ -a }}", "{{ - 1 }}", "{{- }}", "{{ -}}", "{{--}}", "{{-}}", "{{\t1\t}}", "{{ \"a\nb\" }}", "{{ `a\nb` }}", "{{ \u00a0 }}", "{{ é }}", "{{ @ }}", "{{ ? }}", "{{ # }}", "{{ & }}", "{{ [ }}", "{{ { }}", "{{ } }}", "{{ \\ }}", "{{ ; }}", "{{ < }}", "{{ && }}", "{{ 1 + 1 }}", "{{ 1 +1 }}", "{{ 1-1 }}", "{{ with }}{{ end }}", "{{ range }}{{ end }}", "{{ template \"a\" 1 2 }}", "{{ end 1 }}", "{{ else 1 }}", "{{ break 1 }}", "{{ range query \"many\" }}{{ break 1 }}{{ end }}", "{{ block }}{{ end }}", "{{ define \"a\" 1 }}{{ end }}", "{{ if true }}{{ end }}{{ end }}", "{{ range query \"many\" }}{{ else }}{{ break }}{{ end }}", "{{ range query \"many\" }}{{ define \"x\" }}{{ break }}{{ end }}{{ end }}", "{{ print nil }}{{ if nil }}{{ end }}", "{{ with nil }}{{ end }}", "{{ $x := nil }}", "{{ (nil) }}", "{{ nil | print }}", "{{ print (nil) }}", "{{ index nil }}",
    # Hostile ones.
    "{{ define \"a\" }}{{ template \"a\" }}{{ end }}x", "{{ " + "(" * 90 + "1" + ")" * 90 + " }}", "{{ if 1 }}" * 90 + "x" + "{{ end }}" * 90, "x" * 60000, "{{ printf \"%0900d\" 1 }}", "{{ \"\\xff\" }}", "{{ \"\\xff\" | html }} {{ \"\\xff\" | urlquery }} {{ \"\\xff\" | js }}", "{{ \"a\\x00b\" }}", "{{ \"\\x00\" | html }}", "{{ \"\u202e\" }}", "{{ len \"\\xff\\xfe\" }}", "{{ \"\\u200b\" | js }}",
]

VALUES = ["{{ $value }}", "{{ $value | humanize }}", "{{ $value | humanize1024 }}", "{{ $value | humanizeDuration }}", "{{ $value | humanizePercentage }}", "{{ $value | humanizeTimestamp }}", "{{ $value | toTime }}", "{{ printf \"%v %.2f %g %e %d %s\" $value $value $value $value $value $value }}", "{{ eq $value $value }} {{ lt $value 0.0 }} {{ if $value }}t{{ else }}f{{ end }}", "{{ $labels }} {{ . }}"]
EXPRESSIONS = ["small", "odd{kind='nan'} == odd{kind='nan'} or odd{kind='nan'}", "odd{kind='inf'}", "odd{kind='neg'}", "when", "vector(0)", "-m", "vector(1e21)", "vector(0.1) + 0.2", "vector(1) / 3", "count(many)", "sum(many)", "time()", "-0 * m"]

# Texts that come out otherwise for a reason.
KNOWN = {
    "promtool has no URL in its tests": ["{{ $externalLabels.cluster }} {{ .ExternalLabels.zone }} {{ $externalURL }} {{ .ExternalURL }} {{ externalURL }} {{ pathPrefix }}", "{{ pathPrefix | len }}"],
    "we have no complex numbers": ["{{ 1i }}", "{{ 2.5i }}"],
    "our bound is lower": ["{{ template \"__alert_T\" }}"],
    "our texts are UTF-8": ["{{ slice \"é\" 0 1 }}", "{{ \"\\xff\" }}", "{{ \"\\xff\" | html }} {{ \"\\xff\" | urlquery }} {{ \"\\xff\" | js }}", "{{ len \"\\xff\\xfe\" }}"],
    "Go has other words since": ["{{ call 1 }}", "{{ call $labels }}", "{{ call \"print\" }}"],
    "Prometheus has other words since": ["{{ query \"\" }}", "{{ query \"m + on() many\" }}", "{{ parseDuration \"1.5h\" }}"],
    "words end elsewhere since": ["{{ title \"ab cd-ef_gh'ij é.k\" }} {{ title \"ABC\" }} {{ title \"\" }}| {{ title \"1a ǆ ß\" }}"],
    "we have no such method": ["{{ (toTime 0).Date }}", "{{ (toTime 0).GoString }}", "{{ (toTime 0).ISOWeek }}", "{{ printf \"%d\" (toTime 0) }}"],
    "a type that says nothing": ["a {{ range args 1 2 }}{{ .Labels.host }}{{ else }}{{ . }}{{ end }} b"],
    "an overflow": ["{{ 1e21 | humanizeDuration }}", "{{ 1e24 | humanizeDuration }}", "{{ 1e27 | humanizeDuration }}", "{{ 1e30 | humanizeDuration }}", "{{ 1e100 | humanizeDuration }}", "{{ 1e308 | humanizeDuration }}"],
}
KNOWN = {text: reason for reason, texts in KNOWN.items() for text in texts}

# What 2.42 does not know, with what 3.x gives: from the documentation of Prometheus and of Go 1.25.
NEWER = [
    ("{{ toDuration 90.5 }}", "is: 1m30.5s"),
    ("{{ toDuration 0 }} {{ toDuration 3600 }} {{ toDuration 0.0015 }} {{ toDuration -1 }}", "is: 0s 1h0m0s 1.5ms -1s"),
    ("{{ (toDuration 5400).Hours }} {{ (toDuration 90).Minutes }} {{ (toDuration 90).Seconds }} {{ (toDuration 1.5).Milliseconds }} {{ (toDuration 1).Nanoseconds }} {{ (toDuration 1).Microseconds }}", "is: 1.5 1.5 90 1500 1000000000 1000000"),
    ("{{ (toDuration 90).String }}", "is: 1m30s"),
    ("{{ now }}", "is: 600"),
    ("{{ urlQueryEscape \"a b&c\" }}", "is: a+b%26c"),
    ("{{ parseDuration \"-1h\" }}", "is: -3600"),
    ("{{ range 3 }}{{ . }}{{ end }}", "is: 012"),
    ("{{ range $i := 3 }}{{ $i }}{{ end }}", "is: 012"),
    ("{{ range 0 }}{{ else }}none{{ end }}", "is: none"),
    ("{{ with 0 }}a{{ else with 1 }}{{ . }}{{ end }}", "is: 1"),
    ("{{ humanizeDuration 899.99 }}", "is: 14m 59s"),
    ("{{ (now | toTime).Year }}", "is: 1970"),
    ("{{ with toDuration 61 }}{{ .Minutes | printf \"%.2f\" }}{{ end }}", "is: 1.02"),
]


def cases():
    """Expression, template, and what is expected where 2.42 cannot be asked."""
    for text in TEXTS:
        yield "m", text, None
    for function in FUNCTIONS_OF_NUMBERS:
        for number in NUMBERS:
            yield "m", f"{{{{ {number} | {function} }}}}", None
    for verb in VERBS:
        values = ["1", "-42", "1.5", "\"a\\\"é\"", "true", "'x'"]
        yield "m", " ".join(f"{{{{ printf {quote(verb)} {value} }}}}" for value in values), None
    for expression in EXPRESSIONS:
        for text in VALUES:
            yield expression, text, None
    for text in mixed(300):
        yield "m", text, None
    for text, expected in NEWER:
        yield "m", text, expected


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mixed(count):
    """Texts put together at random, always the same ones."""
    dice = random.Random(7)
    words = ["$value", "$labels", ".", "$", ".Labels.job", ".Value", "1", "2.5", "\"a\"", "`b`", "true", "nil", "'c'", "query \"many{n='9'}\"", "first", "humanize", "print", "printf \"%v\"", "len", "index", "not", "and 1", "or 0", "eq 1", "html", "(print 1)", "(query \"many{n='9'}\")", "$x", "-1", "toUpper", "title", "slice \"abc\" 1", "lt 1.5", "args", "|", "|", "|", "(", ")", "if", "else", "end", "range", "with", "define \"d\"", "template \"d\"", "block \"e\" .", "break", ":=", "=", ",", "/* c */", ".a.b", ".5", "0x1F"]
    for _ in range(count):
        parts = []
        for _ in range(dice.randint(1, 4)):
            action = " ".join(dice.choice(words) for _ in range(dice.randint(1, 4)))
            parts.append(dice.choice(["{{ ", "{{", "{{- "]) + action + dice.choice([" }}", "}}", " -}}"]) + dice.choice(["", " x ", "\n"]))
        yield "".join(parts)
    for _ in range(count):
        head = dice.choice(["if", "with", "range"])
        pipe = dice.choice(["query \"many{n='9'}\"", "$labels", "$value", "1.5", "\"\"", "not true", "and 1 0.5", "$x := 1.5", "$i, $v := query \"many{n='9'}\"", ".Labels.none", "args 1 2", "first (query \"many{n='9'}\")", "or 0 \"y\""])
        body = dice.choice(["{{ . }}", "{{ .Value }}", "{{ $value }}", "x", "{{ $x }}", "{{ $i }}{{ $v.Value }}", "{{ break }}", "{{ .Labels.host }}", "{{ print (len .) }}"])
        other = dice.choice(["", "", "{{ else }}y", "{{ else if 1 }}z", "{{ else }}{{ . }}"])
        yield f"a {{{{ {head} {pipe} }}}}{body}{other}{{{{ end }}}} b"
