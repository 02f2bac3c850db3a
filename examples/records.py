"""What a benchmark has measured, by its task: kept in a file, so that it goes on where it stopped.

A task is a list of plain values, what was measured is plain values, too: a line of JSON for each.
"""

import json
from pathlib import Path

from joblib import Parallel, delayed


class Records:
    """What ``measure(*task)`` has returned for each task.

    Parameters
    ----------
    measure : callable
        Of a module, so that workers find it.
    file : str or Path, default=None
        Where to keep it; what the file holds is not measured again.
    """

    def __init__(self, measure, file=None):
        self.measure, self.file, self.found = measure, None if file is None else Path(file), {}
        if self.file and self.file.exists():
            for line in self.file.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                self.found[json.dumps(record["task"])] = record["figures"]

    def of(self, *task):
        """What is known of one task; it is measured if that is nothing."""
        return self.of_all([task])[0]

    def of_all(self, tasks, n_jobs=None):
        """The same for several tasks, in their order; what is missing is measured in parallel."""
        missing = [task for task in tasks if json.dumps(task) not in self.found]
        results = Parallel(n_jobs, batch_size=1, return_as="generator")(
            delayed(self.measure)(*task) for task in missing
        )
        for task, figures in zip(missing, results, strict=True):
            self.found[json.dumps(task)] = figures
            if self.file:
                with self.file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps({"task": task, "figures": figures}) + "\n")
        return [self.found[json.dumps(task)] for task in tasks]
