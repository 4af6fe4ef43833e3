//! The functions of the language and what they accept.

use super::ast::ValueType::{self, Matrix, Scalar, String, Vector};

/// What a function accepts and returns.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// As it is called.
    pub name: &'static str,
    /// Types of the arguments; the last one holds for all further ones.
    pub args: &'static [ValueType],
    /// The fewest arguments.
    pub min_args: usize,
    /// The most arguments.
    pub max_args: usize,
    /// What it evaluates to.
    pub returns: ValueType,
    /// Whether it is available only with the switch for experimental functions.
    pub experimental: bool,
}

impl Signature {
    /// The type of an argument, counted from 0.
    #[must_use]
    pub fn arg_type(&self, i: usize) -> Option<ValueType> {
        self.args.get(i).or(self.args.last()).copied()
    }
}

const MANY: usize = usize::MAX;

macro_rules! functions {
    ($($variant:ident $name:literal [$($arg:ident),*] $min:tt ..= $max:tt -> $returns:ident
       $($experimental:ident)?;)+) => {
        /// A function of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        static SIGNATURES: &[Signature] = &[
            $(Signature {
                name: $name,
                args: &[$($arg),*],
                min_args: $min,
                max_args: $max,
                returns: $returns,
                experimental: functions!(@experimental $($experimental)?),
            },)+
        ];

        impl Function {
            /// All functions, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];
        }
    };
    (@experimental) => { false };
    (@experimental experimental) => { true };
}

// In byte order of names: looked up by binary search.
functions! {
    Abs "abs" [Vector] 1..=1 -> Vector;
    Absent "absent" [Vector] 1..=1 -> Vector;
    AbsentOverTime "absent_over_time" [Matrix] 1..=1 -> Vector;
    Acos "acos" [Vector] 1..=1 -> Vector;
    Acosh "acosh" [Vector] 1..=1 -> Vector;
    Asin "asin" [Vector] 1..=1 -> Vector;
    Asinh "asinh" [Vector] 1..=1 -> Vector;
    Atan "atan" [Vector] 1..=1 -> Vector;
    Atanh "atanh" [Vector] 1..=1 -> Vector;
    AvgOverTime "avg_over_time" [Matrix] 1..=1 -> Vector;
    Ceil "ceil" [Vector] 1..=1 -> Vector;
    Changes "changes" [Matrix] 1..=1 -> Vector;
    Clamp "clamp" [Vector, Scalar, Scalar] 3..=3 -> Vector;
    ClampMax "clamp_max" [Vector, Scalar] 2..=2 -> Vector;
    ClampMin "clamp_min" [Vector, Scalar] 2..=2 -> Vector;
    Cos "cos" [Vector] 1..=1 -> Vector;
    Cosh "cosh" [Vector] 1..=1 -> Vector;
    CountOverTime "count_over_time" [Matrix] 1..=1 -> Vector;
    DayOfMonth "day_of_month" [Vector] 0..=1 -> Vector;
    DayOfWeek "day_of_week" [Vector] 0..=1 -> Vector;
    DayOfYear "day_of_year" [Vector] 0..=1 -> Vector;
    DaysInMonth "days_in_month" [Vector] 0..=1 -> Vector;
    Deg "deg" [Vector] 1..=1 -> Vector;
    Delta "delta" [Matrix] 1..=1 -> Vector;
    Deriv "deriv" [Matrix] 1..=1 -> Vector;
    DoubleExponentialSmoothing "double_exponential_smoothing" [Matrix, Scalar, Scalar] 3..=3 -> Vector experimental;
    End "end" [] 0..=0 -> Scalar experimental;
    Exp "exp" [Vector] 1..=1 -> Vector;
    FirstOverTime "first_over_time" [Matrix] 1..=1 -> Vector;
    Floor "floor" [Vector] 1..=1 -> Vector;
    HistogramAvg "histogram_avg" [Vector] 1..=1 -> Vector;
    HistogramCount "histogram_count" [Vector] 1..=1 -> Vector;
    HistogramFraction "histogram_fraction" [Scalar, Scalar, Vector] 3..=3 -> Vector;
    HistogramQuantile "histogram_quantile" [Scalar, Vector] 2..=2 -> Vector;
    HistogramQuantiles "histogram_quantiles" [Vector, String, Scalar] 3..=12 -> Vector experimental;
    HistogramStddev "histogram_stddev" [Vector] 1..=1 -> Vector;
    HistogramStdvar "histogram_stdvar" [Vector] 1..=1 -> Vector;
    HistogramSum "histogram_sum" [Vector] 1..=1 -> Vector;
    Hour "hour" [Vector] 0..=1 -> Vector;
    Idelta "idelta" [Matrix] 1..=1 -> Vector;
    Increase "increase" [Matrix] 1..=1 -> Vector;
    Info "info" [Vector, Vector] 1..=2 -> Vector experimental;
    Irate "irate" [Matrix] 1..=1 -> Vector;
    LabelJoin "label_join" [Vector, String, String, String] 3..=MANY -> Vector;
    LabelReplace "label_replace" [Vector, String, String, String, String] 5..=5 -> Vector;
    LastOverTime "last_over_time" [Matrix] 1..=1 -> Vector;
    Ln "ln" [Vector] 1..=1 -> Vector;
    Log10 "log10" [Vector] 1..=1 -> Vector;
    Log2 "log2" [Vector] 1..=1 -> Vector;
    MadOverTime "mad_over_time" [Matrix] 1..=1 -> Vector experimental;
    MaxOf "max_of" [Scalar, Scalar] 2..=2 -> Scalar experimental;
    MaxOverTime "max_over_time" [Matrix] 1..=1 -> Vector;
    MinOf "min_of" [Scalar, Scalar] 2..=2 -> Scalar experimental;
    MinOverTime "min_over_time" [Matrix] 1..=1 -> Vector;
    Minute "minute" [Vector] 0..=1 -> Vector;
    Month "month" [Vector] 0..=1 -> Vector;
    Pi "pi" [] 0..=0 -> Scalar;
    PredictLinear "predict_linear" [Matrix, Scalar] 2..=2 -> Vector;
    PresentOverTime "present_over_time" [Matrix] 1..=1 -> Vector;
    QuantileOverTime "quantile_over_time" [Scalar, Matrix] 2..=2 -> Vector;
    Rad "rad" [Vector] 1..=1 -> Vector;
    Range "range" [] 0..=0 -> Scalar experimental;
    Rate "rate" [Matrix] 1..=1 -> Vector;
    Resets "resets" [Matrix] 1..=1 -> Vector;
    Round "round" [Vector, Scalar] 1..=2 -> Vector;
    ScalarOf "scalar" [Vector] 1..=1 -> Scalar;
    Sgn "sgn" [Vector] 1..=1 -> Vector;
    Sin "sin" [Vector] 1..=1 -> Vector;
    Sinh "sinh" [Vector] 1..=1 -> Vector;
    Sort "sort" [Vector] 1..=1 -> Vector;
    SortByLabel "sort_by_label" [Vector, String] 1..=MANY -> Vector experimental;
    SortByLabelDesc "sort_by_label_desc" [Vector, String] 1..=MANY -> Vector experimental;
    SortDesc "sort_desc" [Vector] 1..=1 -> Vector;
    Sqrt "sqrt" [Vector] 1..=1 -> Vector;
    Start "start" [] 0..=0 -> Scalar experimental;
    StartTimestamp "start_timestamp" [Vector] 1..=1 -> Vector experimental;
    StddevOverTime "stddev_over_time" [Matrix] 1..=1 -> Vector;
    StdvarOverTime "stdvar_over_time" [Matrix] 1..=1 -> Vector;
    Step "step" [] 0..=0 -> Scalar experimental;
    SumOverTime "sum_over_time" [Matrix] 1..=1 -> Vector;
    Tan "tan" [Vector] 1..=1 -> Vector;
    Tanh "tanh" [Vector] 1..=1 -> Vector;
    Time "time" [] 0..=0 -> Scalar;
    Timestamp "timestamp" [Vector] 1..=1 -> Vector;
    TsOfFirstOverTime "ts_of_first_over_time" [Matrix] 1..=1 -> Vector experimental;
    TsOfLastOverTime "ts_of_last_over_time" [Matrix] 1..=1 -> Vector experimental;
    TsOfMaxOverTime "ts_of_max_over_time" [Matrix] 1..=1 -> Vector experimental;
    TsOfMinOverTime "ts_of_min_over_time" [Matrix] 1..=1 -> Vector experimental;
    VectorOf "vector" [Scalar] 1..=1 -> Vector;
    Year "year" [Vector] 0..=1 -> Vector;
}

impl Function {
    /// The function of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let i = SIGNATURES.binary_search_by(|signature| signature.name.cmp(name)).ok()?;
        Some(Self::ALL[i])
    }

    /// What it accepts and returns.
    #[must_use]
    pub fn signature(self) -> &'static Signature {
        &SIGNATURES[self as usize]
    }

    /// As it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.signature().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        assert!(SIGNATURES.is_sorted_by(|a, b| a.name < b.name));
        for function in Function::ALL {
            assert_eq!(Function::by_name(function.name()), Some(*function));
        }
        assert_eq!(Function::by_name("integral"), None);
        assert_eq!(Function::by_name(""), None);
    }
}
