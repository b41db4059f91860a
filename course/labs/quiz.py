"""A quiz: several questions on one page, each locked and revealed by itself, and at the end what to read again.

The answers are kept with the predictions (course/record.py). Where no kernel runs, the stored page shows the questions.
"""

import html

import ipywidgets as widgets

from course.labs import cells
from course.labs.predict import Prediction, Question


class Quiz:
    """Questions one below the other. The reveal of each says where to read; `id` is the lesson's number."""

    def __init__(self, id: str, questions: list[Question]):
        self.id, self.questions = id, questions
        self._words = widgets.HTML()
        self.predictions = [  # nothing waits for an answer, so there is nothing to skip
            Prediction(f"{id}q{number}", question, self._tell, lead=f"{number}.", button="Answer", skip=False)
            for number, question in enumerate(questions, 1)]
        self.page = widgets.VBox([*(prediction.panel for prediction in self.predictions), self._words])
        self.page.add_class("nnlab-lab")
        cells.heard_meanwhile(self.page)
        cells.remember(self)
        self._tell()

    @property
    def right(self) -> int:
        """How many questions are answered rightly."""
        return sum(p.choice == p.question.answer for p in self.predictions)

    def _tell(self) -> None:
        if not hasattr(self, "predictions"):  # a question answered in an earlier session, while this quiz is built
            return
        answered = [p for p in self.predictions if p.choice is not None]
        self._words.value = f"<b>{len(answered)} of {len(self.questions)} answered, {self.right} right.</b>"

    def close(self) -> None:
        """Free the widgets. Done by itself when the quiz's cell runs again."""
        for widget in cells.tree(self.page):
            widget.close()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The live page; beside it the questions as constant words, for wherever no kernel runs."""
        still = "".join(f"<p><b>{number}.</b> {html.escape(q.text)}<br>{html.escape(' · '.join(q.choices))}</p>"
                        for number, q in enumerate(self.questions, 1))
        words = f"Quiz {self.id}, {len(self.questions)} questions: run this cell to answer them."
        return {**(self.page._repr_mimebundle_() or {}), "text/html": still, "text/plain": words}
