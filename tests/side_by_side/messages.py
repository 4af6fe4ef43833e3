def pages(now_ms):
    return []
def jobs():
    return {}
def compare(query):
    return []
