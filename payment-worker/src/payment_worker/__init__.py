"""Settles payments (queue ``payments``) and refunds (queue ``refunds``); a process serves one of them."""
