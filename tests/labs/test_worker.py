"""A Worker can be stopped, whatever the code it runs does about it."""

import asyncio
import threading
import time

import pytest

from course.labs.worker import Stopped, Worker, interruptible


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    assert worker.stop()


def begin(worker, body):
    """Start `body` as a student's function and come back when it runs."""
    running = threading.Event()

    def student():
        running.set()
        body()

    def job():
        interruptible(student)
        yield

    worker.start(job, "lab under test")
    assert running.wait(5)


def test_a_job_runs_to_its_end(worker):
    turns = []
    worker.start(lambda: (turns.append(i) for i in range(3)), "lab under test")
    assert worker.wait(5)
    assert turns == [0, 1, 2]
    assert not worker.busy


def test_a_job_that_asks_is_stopped_between_two_turns(worker):
    begun, ends = threading.Event(), []

    def job():
        while not worker.stopping:
            begun.set()
            yield
        ends.append("by itself")

    worker.start(job, "lab under test")
    assert begun.wait(5)
    assert worker.stop()
    assert ends == ["by itself"]


def spin():
    n = 0
    while True:
        n += 1


def swallow():
    n = 0
    while True:
        try:  # noqa: SIM105
            n += 1
        except:  # noqa: E722
            pass


def swallow_around_a_call():
    while True:
        try:  # noqa: SIM105
            sum(i for i in range(10_000))
        except:  # noqa: E722
            pass


def swallow_in_a_nap():
    while True:
        try:
            time.sleep(0.001)
        except BaseException as problem:
            print(problem, end="")


def finally_forever():
    while True:
        try:
            time.sleep(0.001)
        finally:
            continue  # noqa: B012


@pytest.mark.parametrize("body", [spin, swallow, swallow_around_a_call, swallow_in_a_nap, finally_forever])
def test_an_endless_loop_is_ended(worker, body):
    begin(worker, body)
    assert worker.stop()
    assert not worker.busy


def test_locks_are_released_when_a_loop_is_ended(worker):
    lock = threading.RLock()

    def body():
        while True:
            with lock:
                time.sleep(0.0001)

    begin(worker, body)
    assert worker.stop()
    assert lock.acquire(timeout=5)


def test_except_exception_does_not_catch_it():
    assert not issubclass(Stopped, Exception)


def test_what_sits_in_c_code_is_reported_and_left(worker):
    done = threading.Event()
    begin(worker, lambda: done.wait())  # stands for C code: no bytecode runs, so no exception can be raised in it
    assert not worker.stop(patience=0.2)
    assert worker.busy
    done.set()
    assert worker.wait(5)


def test_a_worker_does_one_job_at_a_time(worker):
    begin(worker, spin)
    with pytest.raises(RuntimeError, match="busy"):
        worker.start(lambda: iter(()), "lab under test")


def test_a_worker_neither_waits_for_itself_nor_kills_itself(worker):
    inside = []

    def job():
        inside.append((worker.inside, worker.wait(), worker.stop()))
        yield

    worker.start(job, "lab under test")
    assert worker.wait(5)
    assert inside == [(True, False, True)]


@pytest.fixture
def no_threads(monkeypatch):
    """As in Pyodide."""
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def test_without_threads_a_loop_gives_way_after_each_turn(worker, no_threads):
    log = []

    def job():
        while not worker.stopping:
            log.append("turn")
            yield
        log.append("end")

    async def page():
        worker.start(job, "lab under test")
        for _ in range(5):
            await asyncio.sleep(0)
            log.append("page")
        assert worker.busy
        assert not worker.threaded
        worker.stop()
        assert not worker.busy
        worker.start(job, "lab under test")  # at once, without waiting for anything
        assert worker.busy
        worker.stop()

    asyncio.run(page())
    assert log.count("turn") >= 5
    assert abs(log.count("turn") - log.count("page")) <= 2


def test_without_threads_a_job_of_one_turn_is_done_at_once(worker, no_threads):
    done = []

    async def page():
        worker.start(lambda: done.append("done") or iter(()), "lab under test")
        assert done == ["done"]
        assert not worker.busy

    asyncio.run(page())
