"""The half of the judge that goes into the sandbox. It holds no secret: whoever breaks out of the student's half reads
only this. It imports the standard library and NumPy; `wire` is the one module that both sides use."""
