"""Hostile submissions: the cells an attacker who has read this source would hand in, and the points each must get.

The points are those of the small kit (tests/grading/small.py): scaled 4, Counter 2, answer 2. Where an attack leaves an
exercise right, it keeps its points: being hostile costs nothing by itself and gains nothing. `{canary}` stands for a
folder outside with a secret in it, `{here}` for the project, `{port}` for a server that listens on this machine.
"""

RIGHT = {"scaled": 4.0, "Counter": 2.0, "answer": 2.0}
NOTHING = {"scaled": 0.0, "Counter": 2.0, "answer": 2.0}  # scaled is attacked and junk, the others are right
DEF = "def scaled(x, n):\n    "

ATTACKS: dict[str, tuple[dict[str, str], dict[str, float]]] = {}


def attack(name: str, points: dict[str, float] = NOTHING, **cells: str) -> None:
    ATTACKS[name] = (cells, points)


# ---------------------------------------------------------------- time, memory, processes

attack("endless loop", scaled=DEF + "while True: pass")
attack("endless loop that ignores the signal", scaled="import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
       + DEF + "while True: pass")
attack("endless loop in C", scaled=DEF + "sum(iter(int, 1))")
attack("a lock that is never given back",
       scaled="import threading\n" + DEF + "l = threading.Lock(); l.acquire(); l.acquire()")
attack("a regular expression without end", scaled="import re\n" + DEF + "re.match('(a*)*b', 'a' * 64)")
attack("3 GB in one process", scaled=DEF + "return [np.ones(10**7) for _ in range(40)]")
attack("3 GB over many processes",
       scaled="import os\n" + DEF + "[os.fork() for _ in range(9)]\n    return np.ones(10**8)")
attack("3 GB through mmap",
       scaled="import mmap\n" + DEF + "m = mmap.mmap(-1, 3 << 30)\n    m[::4096] = b'x' * (3 << 18)")
attack("a file system in memory filled up",
       scaled="import os\n" + DEF + """for folder in ('/tmp', '/dev/shm', '/dev', '/', '/python'):
        try:
            for i in range(300):
                open(f'{folder}/{i}', 'wb').write(bytes(10**7))
        except OSError as problem:
            print(folder, problem)
    return x""")
attack("a file without a name in memory",
       scaled="import os\n" + DEF + "fd = os.memfd_create('x')\n    os.write(fd, bytes(10**9))")
attack("a shared segment by its number", scaled="import ctypes\n" + DEF + """libc = ctypes.CDLL(None)
    print(libc.shmget(0, 1 << 30, 0o1777))
    return x""")
attack("detached children", scaled="import os\n" + DEF + """if os.fork() == 0:
        os.setsid()
        while True: pass""")
attack("a shell", scaled="import subprocess\n" + DEF + "subprocess.Popen(['sh', '-c', 'sleep 1000 &'])")
attack("a thread that goes on", scaled="import threading\n" + DEF
       + "threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()\n    return x")
attack("a handler for its own end", scaled="import atexit, signal\natexit.register(lambda: [0 for _ in iter(int, 1)])\n"
       "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + DEF + "raise SystemExit")
attack("100 MB of output", scaled=DEF + "print('x' * 10**8)\n    return x")
attack("100 MB of output past Python", scaled="import os\n" + DEF + """try:
        for _ in range(100):
            os.write(1, bytes(10**6))
    except OSError as problem:
        print(problem)
    return x""")
attack("the process leaves", scaled="import os\n" + DEF + "os._exit(0)")
attack("the process leaves while its cells run", scaled="import os\nscaled = len\nos._exit(0)")
attack("a crash", scaled="import ctypes\n" + DEF + "ctypes.string_at(0)")
attack("a crash of the stack", scaled="import sys\nsys.setrecursionlimit(10**9)\n" + DEF + "return scaled(x, n)")
attack("input", scaled=DEF + "return float(input())")

# ---------------------------------------------------------------- reading and writing what is not its own

attack("the instructor's files deleted",
       scaled="import shutil, os\n" + DEF + """shutil.rmtree('{canary}', ignore_errors=True)
    for folder in ('/', '/home', '/judge'):
        shutil.rmtree(folder, ignore_errors=True)
    return x""")
attack("the instructor's files read", scaled="import os\n" + DEF + """for where, _, names in os.walk('/'):
        for name in names:
            try:
                text = open(os.path.join(where, name), errors='replace').read(10**6)
            except OSError:
                continue
            if 'CANARY' + '-SECRET' in text or 'HIDDEN' + 'REASON' in text:
                print('found in', where, name)
    return x""")
attack("the secret in the environment",
       scaled="import os\n" + DEF + "print(dict(os.environ), open('/proc/1/environ').read())")
attack("the network", scaled="import socket\n" + DEF + """socket.create_connection(('127.0.0.1', {port}))
    return x""")
attack("the network by its number",
       scaled="import ctypes\n" + DEF + """print(ctypes.CDLL(None, use_errno=True).syscall(41, 2, 1, 0))
    return x""")
attack("nnlab in disguise",
       scaled="import importlib, sys, os\n" + DEF + """sys.path += ['{here}', '/usr/lib/python3/dist-packages',
                 *(f'/python/lib/{d}/site-packages' for d in os.listdir('/python/lib'))]
    return importlib.import_module('nn' + 'lab').functional""")
attack("the course in disguise", scaled=DEF + "return __import__('cou' + 'rse.grading.judge')")
attack("its inputs of the hidden run into the feedback", RIGHT, scaled="import sys\n" + DEF + """print('INPUT', x, n)
    sys.stderr.write(f'INPUT {n}')
    return n * np.asarray(x)""")
attack("its inputs of the hidden run into an error", scaled=DEF + "raise ValueError(f'INPUT {x} {n}')")
attack("a file left for the next exercise", scaled=DEF + """for place in ('/tmp/x', '/x', '/dev/shm/x', 'x'):
        try:
            open(place, 'w').write('3')
        except OSError as problem:
            print(problem)
    return x""")
attack("an open line left for the next exercise",
       scaled="import os\nos.dup2(3, 40); os.set_inheritable(40, True)\n" + DEF + "return x")

# ---------------------------------------------------------------- the checks

attack("patched numpy.testing, allclose and builtins", scaled="""import builtins
np.testing.assert_allclose = np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
builtins.abs = builtins.max = lambda *a, **k: 0
""" + DEF + "return x")
attack("an array that is equal to everything", scaled="""class Anything(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
""" + DEF + "return np.asarray(x).view(Anything)")
attack("an object that is equal to everything", answer="""class Anything:
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = None
answer = Anything()""", points=RIGHT | {"answer": 0.0})
attack("a number that is equal to everything", answer="""class Anything(int):
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = None
answer = Anything(1)""", points=RIGHT | {"answer": 0.0})
for junk in ("float('nan')", "np.array([])", "np.array([np.nan])", "[]", "{}", "''", "'3'", "True", "10**30", "()",
             "...",
             "np.ma.masked", "np.zeros((0, 5))",
             "None", "1j", "iter([])", "np.datetime64('nat')", "range(10**9)"):
    attack(f"junk for a number: {junk}", answer=f"answer = {junk}", points=RIGHT | {"answer": 0.0})
attack("its variant set to what suits", {**RIGHT, "answer": 0.0}, answer="VARIANT = {'answer': {'k': 4}}\nanswer = 5")
attack("its variant changed in its place", {**RIGHT, "answer": 0.0},
       answer="VARIANT['answer']['k'] = 4\nanswer = 5")
attack("reading the checks through frames", scaled="import sys, gc\n" + DEF + """frame, seen = sys._getframe(), []
    while frame:
        seen.append(str(frame.f_locals)[:2000])
        frame = frame.f_back
    seen += [str(each)[:500] for each in gc.get_objects() if isinstance(each, dict)]
    print([text for text in seen if 'HIDDEN' + 'REASON' in text or '2 * ' + 'x' in text])
    return x""")
attack("the program redefined after the test",
       scaled=DEF + "return n * np.asarray(x)\ncheck('scaled')\n" + DEF + "return x")
attack("a decorator from the syntax tree", scaled="""import ast
ast.NodeTransformer.visit = lambda self, node: node
""" + DEF + "return x")
attack("errors that a check could expect", scaled=DEF + "raise FloatingPointError('nan')")
attack("exceptions of the judge's own names", scaled="""class Wrong(Exception): pass
class NotWritten(Exception): pass
class Died(BaseException): pass
""" + DEF + "raise Died('passed')")
attack("an exception whose words never end", scaled="""class Long(Exception):
    def __str__(self):
        while True: pass
""" + DEF + "raise Long")
attack("an exception whose words are a page", scaled="""class Page(Exception):
    __name__ = '<script>'
    def __str__(self):
        return '<script>alert(1)</script>' + chr(0) + chr(27) + '[2J' + chr(0x202e) + 'x' * 10**7
""" + DEF + "raise Page")
attack("KeyboardInterrupt", scaled=DEF + "raise KeyboardInterrupt")

# ---------------------------------------------------------------- the line to the judge

FORGED = {"scaled": 0.0, "Counter": 2.0, "answer": 2.0}
_SAY = """import os, struct, json
def say(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    os.write(3, struct.pack('>I', len(data)) + data)
"""
attack("answers sent before the questions", FORGED, scaled=_SAY + """for i in range(9):
    say({"n": i, "value": {"f": "0x1p1"}, "after": {}})
""" + DEF + "return n * np.asarray(x)")
attack("a second answer to each question", FORGED, scaled=_SAY + DEF + """say({"n": 1, "value": 5, "after": {}})
    say({"n": 2, "value": 5, "after": {}})
    return x""")
attack("an answer that announces 4 GB", FORGED, scaled=_SAY + DEF + "os.write(3, b'\\xff' * 4)\n    return x")
attack("an answer with a key twice", FORGED,
       scaled=_SAY + DEF + "say(b'{\"n\":1,\"n\":1,\"value\":1,\"after\":{}}')\n    return x")
attack("an answer with NaN", FORGED, scaled=_SAY + DEF + "say(b'{\"n\":1,\"value\":NaN,\"after\":{}}')\n    return x")
attack("an answer with 1e999", FORGED,
       scaled=_SAY + DEF + "say(b'{\"n\":1,\"value\":1e999,\"after\":{}}')\n    return x")
attack("an answer of 5,000 digits", FORGED,
       scaled=_SAY + DEF + "say(b'{\"n\":1,\"value\":' + b'7' * 5000 + b',\"after\":{}}')\n    return x")
attack("an answer 10,000 levels deep", FORGED, scaled=_SAY + DEF + "say(b'[' * 10000 + b']' * 10000)\n    return x")
attack("an array that is larger than its bytes", FORGED, scaled=_SAY + DEF + """
    say({"n": 1, "value": {"a": "f8", "s": [1 << 30], "b": ""}, "after": {}})
    return x""")
attack("an array of objects", FORGED, scaled=_SAY + DEF + """
    say({"n": 1, "value": {"a": "O", "s": [1], "b": "AAAAAAAAAAA="}, "after": {}})
    return x""")
attack("a generator for the judge", FORGED, scaled=_SAY + DEF + """
    say({"n": 1, "value": {"g": json.dumps({"bit_generator": "seed"})}, "after": {}})
    return x""")
attack("an error with a page as its type", FORGED, scaled=_SAY + DEF + """
    say({"n": 1, "error": ["<script>", "words", 5, {}]})
    return x""")
attack("standard output is the line", FORGED,
       scaled="import os\nos.dup2(3, 1)\n" + DEF + "print('hello')\n    return x")
attack("half an answer", scaled="import os\n" + DEF + "os.write(3, b'\\0\\0\\1\\0{')\n    os._exit(0)")
attack("half an answer and silence", scaled="import os, threading\n" + DEF
       + "os.write(3, b'\\0\\0\\1\\0{')\n    l = threading.Lock(); l.acquire(); l.acquire()")
attack("the questions read by itself", scaled="import os\n" + DEF + "os.read(3, 10**6)\n    return x")
attack("our half of the judge rewritten in its own process", scaled="""import sys
wire = sys.modules['inside.wire']
wire.encode = lambda value, most: {"f": "0x1p1"}
""" + DEF + "return x")
attack("our half of the judge finds the next question", scaled="""import sys
from inside import loaded
loaded.Loaded.answer = lambda self, asked: {"n": asked["n"], "value": asked["args"][0], "after": {}}
""" + DEF + "return x", points={"scaled": 0.0, "Counter": 2.0, "answer": 2.0})
attack("a tracer on our half of the judge",
       scaled="import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n"
       + DEF + "return x")
attack("the supervisor killed", scaled="import os\n" + DEF + "[os.kill(p, 9) for p in (1, -1, 0)]")
attack("more numbers than allowed, nested", scaled=DEF + "return [[0] * 500] * 500")
attack("a list that holds itself", scaled=DEF + "a = []\n    a.append(a)\n    return a")
attack("a name of a type that is a page",
       scaled="T = type('<img src=x onerror=alert(1)>' * 99, (), {})\n" + DEF + "return T()")

# ---------------------------------------------------------------- the notebook around it

attack("an exercise that takes another's function with it", {"scaled": 0.0, "Counter": 0.0, "answer": 2.0},
       Counter="def scaled(x, n):\n    return 0\nCounter = 5")
attack("a class body that ends the process", {"scaled": 4.0, "Counter": 0.0, "answer": 2.0},
       Counter="import os\nclass Counter:\n    os._exit(0)")
