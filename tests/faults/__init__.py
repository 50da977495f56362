"""The fault campaign: trainings that are disturbed on purpose, and must end with the same bits.

    draw       what happens in a run: everything follows from its seed
    training   what is trained: an Estimator's own task, on rows as Spark would deal them
    worker     a process that runs what Spark's barrier tasks run
    signs      the callback by which a worker tells where it is
    stage      what Spark's scheduler does with a barrier stage, in one small process
    wire, link the connections between the workers, which can be cut, held and listened to
    strikes    the faults
    strangers  who connects without belonging there
    disk       full file systems and damaged checkpoints
    processes  who is alive, who was left behind
    run, judge one run: its drivers one after the other, and what must be true afterwards
    campaign   many runs: python -m faults.campaign
    report     the table of docs/reliability.md

docs/reliability.md says what is promised and how to repeat a single run.
"""
