for text in (
    "prog['nope']",
    "prog.type('struct nope')",
    "prog['first'].nope",
    "prog['first'].next[2**40].value.value_()",
    "prog.thread(1)",
    "prog.symbol('nope')",
    "prog['counter'] + 'x'",
    "prog['origin'] + 1",
):
    try:
        eval(text)
    except Exception as error:
        print(text, type(error).__name__, error)
