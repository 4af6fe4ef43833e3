def pages(now_ms):
    return []
def jobs():
    return {}
