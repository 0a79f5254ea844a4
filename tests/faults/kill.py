#!/usr/bin/env python3
# Kills a broker under load at random moments, again and again, and checks that it kept its word.
"""usage: kill.py [CYCLES [SEED]]

CYCLES (30) lives; every tenth is ended while it recovers, every tenth in order. After each 50 all
queues are drained and the history is judged; then the next round begins, with the next seed, on an
empty disk. The seed decides what is chosen, not how the processes take turns: a run is like another
with its seed, not the same."""
import sys

sys.dont_write_bytecode = True
import lives  # noqa: E402

ROUND = 50
LIFE_S = (0.1, 0.8)
RECOVERY_S = (0.0, 0.06)  # a start takes about 0.03
RECOVERY_TURN, STOP_TURN = 3, 7


def cycle(one, number, ends):
    """One life."""
    one.live(one.random.uniform(*LIFE_S))
    if number % 10 == STOP_TURN:
        ends["stopped"] += 1
        one.stop(in_order=number % 20 == STOP_TURN)
        return
    ends["killed"] += 1
    one.kill()
    if number % 10 == RECOVERY_TURN:
        ends["killed again in recovery"] += 1
        one.kill_in_recovery(one.random.uniform(*RECOVERY_S))


def play(clients, seed, cycles, total):
    ends = {"killed": 0, "killed again in recovery": 0, "stopped": 0}
    with lives.Round(clients, seed, lives.draw_settings(lives.random.Random(seed))) as one:
        one.begin()
        for number in range(cycles):
            cycle(one, number, ends)
        one.finish()
    total.add(one, ", ".join(f"{count} {end}" for end, count in ends.items()))
    return ends


def main():
    cycles = lives.count_of(lives.argument(1), 30)
    seed = lives.first_seed(lives.argument(2))
    clients, total, done = lives.Clients(), lives.Sum(), 0
    while done < cycles:
        some = min(ROUND, cycles - done)
        play(clients, seed, some, total)
        seed, done = seed + 1, done + some
    clients.close()
    return total.end(f"{cycles} cycles")


if __name__ == "__main__":
    sys.exit(main())
