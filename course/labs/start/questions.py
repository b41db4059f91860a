"""The ten questions at the end of the on-ramp. Each reveal says why, and where to read."""

from course.labs.predict import Question
from course.labs.quiz import Quiz

QUESTIONS = [
    Question("X has shape (5, 3). What is the shape of X[2]?", ("(5,)", "(3,)", "(2, 3)", "()"), "(3,)",
             "One index takes one row, and a row has 3 numbers. Section 0.2."),
    Question("X has shape (5, 3). What is the shape of X.mean(axis=1)?", ("(3,)", "(5,)", "(5, 3)", "()"), "(5,)",
             "The axis you name disappears: axis 1, the 3, goes. Section 0.2 and lab 0a."),
    Question("What is the shape of X @ W, X of shape (5, 3) and W of shape (3, 2)?", ("(5, 2)", "(3, 3)", "(5, 3, 2)",
             "an error"), "(5, 2)", "The axes that meet, 3 and 3, disappear. Lab 0a with X @ W."),
    Question("And of X @ V, V of shape (2, 3)?", ("(5, 2)", "(5, 3)", "an error"), "an error",
             "The last axis of X is 3, the first of V is 2: they do not meet. Section 0.5 shows the message."),
    Question("y has shape (4,) and p has shape (4, 1). What is the shape of p - y?", ("(4,)", "(4, 1)", "(4, 4)",
             "an error"), "(4, 4)", "Both are repeated along the axis they lack. Section 0.2: print shapes first."),
    Question("f(3) = 10 and f'(3) = -2. About what is f(3.1)?", ("9.8", "10.2", "8", "-2.1"), "9.8",
             "A nudge of 0.1 changes f by about f' times 0.1. Section 0.3."),
    Question("Where is the derivative of x² equal to 0?", ("nowhere", "at x = 0", "at x = 1", "everywhere"), "at x = 0",
             "2x is 0 at 0: the bottom of the bowl is flat. Lab 0b."),
    Question("u = 5x and y = u². What is dy/dx at x = 1?", ("10", "15", "25", "50"), "50",
             "dy/du = 2u = 10, because u is 5; times du/dx = 5. Section 0.4 and lab 0c."),
    Question("The gradient of a cost at w is (4, -1). Which small step makes the cost smaller?",
             ("(4, -1) · 0.01", "(-4, 1) · 0.01", "(1, 4) · 0.01", "none of them"), "(-4, 1) · 0.01",
             "Against the gradient: downhill. Section 0.4, the last cell."),
    Question("Where do you begin to read a traceback?", ("at the top", "at the first arrow", "at its last line"),
             "at its last line", "The last line says what happened, the arrows above it where. Section 0.5."),
]


def ten_questions() -> Quiz:
    """The quiz, on the student's record."""
    return Quiz("0", QUESTIONS)
