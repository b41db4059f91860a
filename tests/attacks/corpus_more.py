"""More hostile submissions: what an attacker tries who knows the first ones and has read the mends.

They go for the judge's own time and memory, for what a hidden run could carry out of its sandbox, for texts that break
what stores or shows them, and for the reader of notebooks. The points are those of the small kit, as in corpus.py.
"""

from tests.attacks.corpus import ATTACKS, DEF, RIGHT, attack

__all__ = ["ATTACKS"]

NO_ANSWER = RIGHT | {"answer": 0.0}
SAY = """import os, struct, json
def say(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    data = struct.pack('>I', len(data)) + data
    while data:
        data = data[os.write(3, data):]
"""

# ---------------------------------------------------------------- the judge's own time and memory

attack("a text without an end, full of quotes", scaled=SAY + DEF + "say(b'\"' + b'\\\\\"' * 30000)\n    return x")
attack("one long text among many short ones", scaled=DEF + "return ['x' * 20000] + [''] * 900")
attack("the same, forged", scaled=SAY + DEF
       + "say({'n': 1, 'value': ['x' * 20000] + [''] * 900, 'after': {}})\n    return x")
attack("an array of nothing that is 2**31 long", scaled=SAY + DEF + """
    say({'n': 1, 'value': {'a': 'f8', 's': [2**31 - 1, 0], 'b': ''}, 'after': {}})
    return x""")
attack("an array of nothing with too many dimensions", scaled=SAY + DEF + """
    say({'n': 1, 'value': {'a': 'f8', 's': [0] + [2**31 - 1] * 3, 'b': ''}, 'after': {}})
    return x""")
attack("a key of 5,000 digits in the after-part", scaled=SAY + DEF
       + "say({'n': 1, 'value': 5, 'after': {'0' * 5000: 1}})\n    return x")
attack("a change of an argument that was not given", scaled=SAY + DEF
       + "say({'n': 1, 'value': 5, 'after': {'7': 1}})\n    return x")
attack("a million values in the after-part", scaled=SAY + DEF
       + "say({'n': 1, 'value': 5, 'after': {'0': [0] * 30000}})\n    return x")
attack("an answer byte by byte", scaled="import os, threading, struct\n" + DEF + """lock = threading.Lock()
    lock.acquire()
    for byte in struct.pack('>I', 60000) + b' ' * 60000:
        os.write(3, bytes([byte]))
        lock.acquire(timeout=0.5)
    return x""")
attack("every answer a second before the wall", RIGHT,  # right answers; the second is asked anew, once
       scaled="import threading\n" + DEF + """lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=7)
    return n * np.asarray(x)""")
attack("nearly all the time, then a crash", scaled="import time, os\n" + DEF + """while time.process_time() < 0.9: pass
    os._exit(1)""")
attack("all the time while its cells run", scaled="while True: pass\n" + DEF + "return x")
attack("a flood on the line", scaled="import os\n" + DEF + "while True: os.write(3, bytes(1 << 16))")
attack("two writers take turns", scaled=SAY + """real = os.write
def torn(fd, data):
    if fd == 3 and len(data) > 9:
        real(3, bytes(data[:5]))
        say({'n': 1, 'value': 5, 'after': {}})
        return real(3, bytes(data[5:])) + 5
    return real(fd, data)
os.write = torn
""" + DEF + "return n * np.asarray(x)")
attack("an answer while it is still loading", scaled=SAY
       + "say({'loaded': True, 'callable': True, 'kind': 'function', 'notes': []})\n"
       + DEF + "return n * np.asarray(x)")
attack("notes of another kind while it is loading", scaled=SAY + """
say({'loaded': True, 'callable': True, 'kind': 'function', 'notes': [5, {}, [None]]})
os._exit(0)
scaled = 1""")
attack("a class for the judge, named like one of its own", NO_ANSWER,
       answer="answer = type('Wrong', (), {'__eq__': lambda *a: True, '__ne__': lambda *a: False})()")
attack("a text that says it is a number", NO_ANSWER, answer="answer = str(VARIANT['answer']['k'] + 1)")
attack("a list of the right number", NO_ANSWER, answer="answer = [VARIANT['answer']['k'] + 1]")
attack("every number it could be", NO_ANSWER, answer="import numpy as np\nanswer = np.arange(1000)")

# ---------------------------------------------------------------- what a hidden run could carry out

attack("the inputs as the name of an error",
       scaled=DEF + "raise type('INPUT' + ''.join(filter(str.isdigit, f'{n}{x}'))[:30], (Exception,), {})")
attack("the inputs as the text of a line", scaled=SAY + DEF + """for i in range(1, 9):
        say({'n': i, 'error': ['ValueError', '', f'INPUT {n} {x}', 3]})
    os._exit(0)""")
attack("the inputs as the text of a line, in the older form", scaled=SAY + DEF + """for i in range(1, 9):
        say({'n': i, 'error': ['ValueError', '', f'line 1: INPUT {n} {x}']})
    os._exit(0)""")
attack("the inputs in the reason for a forgery", scaled=SAY + DEF + """if n in (2, 3) and not isinstance(x, list):
        return n * np.asarray(x)
    say(b'1.' + str(n).encode().replace(b'.', b'').replace(b'-', b''))""")
attack("the probes read", scaled="import gc, sys\n" + DEF + """seen = [str(each) for each in gc.get_objects()
            if isinstance(each, dict) and 'probes' in each]
    print('HIDDEN' + 'REASON' in str(seen))
    raise type('INPUT' + str(len(str(seen))), (Exception,), {})""")
attack("the machine watched", RIGHT, scaled="import ctypes\n" + DEF + """buffer = ctypes.create_string_buffer(999)
    print(ctypes.CDLL(None).sysinfo(buffer))
    return n * np.asarray(x)""")
attack("it behaves in the hidden run only", {"scaled": 2.0, "Counter": 2.0, "answer": 2.0}, scaled=DEF
       + "return n * np.asarray(x) if n == 2 or np.shape(x) == (2,) and n == 3 and not isinstance(x, list) else 0")
attack("its seed guessed", scaled=DEF + """for seed in range(3000):
        guess = np.random.default_rng(seed).normal(size=(5, 3))
        if np.array_equal(guess, x):
            return n * guess
    return x""")

# ---------------------------------------------------------------- texts that break what stores or shows them

BAD = "chr(0xd800) + chr(0) + chr(27) + '[2J' + chr(0x202e) + '=1+1' + '<script>' + chr(0x9b)"
attack("half a letter, NUL and an escape in an error", scaled=DEF + f"raise ValueError({BAD})")
attack("half a letter, NUL and an escape while its cells run",
       scaled=f"raise ValueError({BAD})\n" + DEF + "return n * np.asarray(x)", points=RIGHT)
attack("half a letter, NUL and an escape printed", scaled="import os\n" + DEF
       + f"os.write(1, ({BAD} * 9999).encode('utf-8', 'surrogatepass'))\n    return x")
attack("half a letter as an answer", NO_ANSWER, answer=f"answer = {BAD}")
attack("half a letter in prose", RIGHT, why="half \ud83d of a letter, \0, \x1b[2J and \u202e")
attack("half a letter in code that is no Python", NO_ANSWER, answer="answer = '\ud83d' (")
attack("only NULs printed", scaled="import os\n" + DEF + "os.write(1, bytes(10**5))\n    return x")

# ---------------------------------------------------------------- the supervisor and the machine

attack("a signal through the line's owner", RIGHT, scaled="import fcntl, os\n" + DEF + """for owner in (1, -1):
        for signal in (9, 19):
            fcntl.fcntl(3, fcntl.F_SETOWN, owner)
            fcntl.fcntl(3, 10, signal)  # F_SETSIG
            fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)
    return n * np.asarray(x)""")
attack("the line made one that does not wait", RIGHT, scaled="import fcntl, os\nos.set_blocking(3, True)\n"
       "fcntl.fcntl(1, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)\n" + DEF + "return n * np.asarray(x)")
attack("all files opened", RIGHT, scaled="import os\n" + DEF + """try:
        while True: os.open('/dev/null', os.O_RDWR)
    except OSError as problem:
        print(problem)
    for fd in range(4, 64): os.close(fd)
    return n * np.asarray(x)""")
attack("a lock on what all share", RIGHT, scaled="import fcntl, os\n" + DEF + """try:
        fcntl.lockf(os.open('/dev/null', os.O_RDWR), fcntl.LOCK_EX)
    except OSError as problem:
        print(problem)
    return n * np.asarray(x)""")
attack("the line closed", scaled="import os\n" + DEF + "os.close(3)\n    return x")
attack("the line closed, and it goes on", scaled="import os\n" + DEF + "os.close(3)\n    while True: pass")
attack("numpy replaced before it is asked", scaled="import sys, types\nsys.modules['numpy'] = types.ModuleType('n')\n"
       "sys.modules['inside.wire'] = None\n" + DEF + "return x")

# ---------------------------------------------------------------- the reader of notebooks

attack("a name in letters that only look like its own", RIGHT,
       scaled="def \uff53caled(x, n):\n    return n * np.asarray(x)")  # Python itself takes it for the same name
attack("a name in Cyrillic", {"scaled": 0.0, "Counter": 0.0, "answer": 2.0},
       scaled="def sc\u0430led(x, n):\n    return n")
attack("100,000 signs before a number", NO_ANSWER, answer="answer = " + "-" * 100_000 + "1")
attack("10,000 brackets", NO_ANSWER, answer="answer = " + "(" * 10_000 + "1" + ")" * 10_000)
attack("a formula of 100,000 terms", NO_ANSWER, answer="answer = 1" + "+1" * 100_000)
attack("an f-string in an f-string", NO_ANSWER, answer="answer = " + "f'{" * 90 + "1" + "}'" * 90)
attack("a number of 100,000 digits", NO_ANSWER, answer="answer = " + "7" * 100_000)
attack("a power that no machine holds", NO_ANSWER, answer="answer = 10 ** 10 ** 10")
attack("a text of 10 GB", NO_ANSWER, answer="answer = 'x' * 10 ** 10")
attack("lines that end as on an old Mac", RIGHT,
       answer="a = 1\ranswer = VARIANT['answer']['k'] + a\rb = 3")
attack("a form feed, a vertical tab and other ends of lines", RIGHT,
       answer="a = 1\n\x0c\nanswer = VARIANT['answer']['k'] + a\n'''\x0b\x1c\u2028\x85'''\nb = 3")
attack("an order for IPython inside a text", RIGHT,
       answer="text = '''\n%d\n'''\nanswer = VARIANT['answer']['k'] + len(text) - 3")
attack("a cell that undoes another", RIGHT, imports="import numpy as np\ndel np")
attack("a million short statements", {"scaled": 0.0, "Counter": 0.0, "answer": 0.0, "why": 0.0},  # nothing can be read
       answer="a\n" * 400_000 + "answer = 1")
