"""Everything that goes out to where a user can point us: names looked up, pages fetched, webhooks delivered.

One guarded client (DESIGN section 7, Proofs): public addresses only, judged after the look-up and anew at each
redirect, with a limit on time and on size. What it raises keeps "could not be checked" apart from "is not there".
"""
