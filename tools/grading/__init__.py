"""Grade a class: one folder of notebooks in, one CSV with a row for each student out.

    python -m tools.grading SUBMISSIONS --chapter 02 [--output grades.csv] …

Each submission runs in a sandbox of its own (bubblewrap), and what its answers return is compared
in a process that has never run a student's code. Nothing starts unless the solutions get full
marks.
`book/grading.md` is the teacher's guide.

* `__main__`: the command line, and grading a whole class;
* `submissions`: the students' notebooks in a folder;
* `grade`: one notebook in, its marks out;
* `processes`: bubblewrap, limits, and messages under a deadline;
* `child`, `notebook`, `answers`: inside the sandbox: limits; read a notebook, find its answers and
  call them; which statements an answer needs;
* `judge`: in a process of its own: compare the results with what the exercises expect;
* `messages`: plain values as bytes, and back;
* `report`: the CSV file and the summary.
"""
