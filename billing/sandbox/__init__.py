"""A Stripe of our own, for the demo and the tests: the same HTTP API, as far as Freehold uses it, on loopback.

In a process of its own it is ``python -m billing.sandbox``; people steer it at ``/_sandbox/``, programs by the commands
of ``control.py``. In a test, without a socket::

    sandbox = Sandbox(clock=Clock(START))
    stripe = transport.client(sandbox)              # Stripe's own library
    deliverer = Deliverer(sandbox, send)            # nothing is sent before deliverer.pump()
    sandbox.faults.add("timeout_after", match="POST /v1/subscriptions")
    control.run(sandbox, "clock/advance", {"days": 31})
"""
