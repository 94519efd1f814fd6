"""The few things that asyncio and threads do differently, in pairs: `AsyncX` and its twin `X`.

Everything above is written once against `AsyncX`; the generated twin uses `X`.
"""

import asyncio
import threading

from threadkeep.concurrency.background import AsyncBackground, Background
from threadkeep.concurrency.flow import AsyncFlow, Flow
from threadkeep.concurrency.home import AsyncHome, Home
from threadkeep.concurrency.looped import LoopThread, OverdueError
from threadkeep.concurrency.mailbox import AsyncMailbox, Mailbox
from threadkeep.concurrency.outcome import AsyncOutcome, Outcome
from threadkeep.concurrency.pace import AsyncPace, Pace
from threadkeep.concurrency.periodic import AsyncPeriodic, Periodic
from threadkeep.concurrency.pump import AsyncPump, Pump
from threadkeep.concurrency.signal import AsyncSignal, Signal

AsyncLock = asyncio.Lock
Lock = threading.Lock

__all__ = [
    "AsyncBackground",
    "AsyncFlow",
    "AsyncHome",
    "AsyncLock",
    "AsyncMailbox",
    "AsyncOutcome",
    "AsyncPace",
    "AsyncPeriodic",
    "AsyncPump",
    "AsyncSignal",
    "Background",
    "Flow",
    "Home",
    "Lock",
    "LoopThread",
    "Mailbox",
    "Outcome",
    "OverdueError",
    "Pace",
    "Periodic",
    "Pump",
    "Signal",
]
