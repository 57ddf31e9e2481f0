"""Proof: was a suspect model trained on text that carries one of our keys?

A detection proves training on marked text, not who took it; that nothing is detected proves nothing.
"""
