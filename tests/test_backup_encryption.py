"""Encrypted backups: only the right key opens them, and no byte of them can be changed unseen."""

from __future__ import annotations

import base64
import io

import pytest

from verne.engine.keeping import age

# Written by another program that follows the same specification.
THEIR_KEY = "AGE-SECRET-KEY-1JD6RRYK8XRSWXPCY07YWJGU57QSVC64ZJP487NGKPKZRX0FLS4QQWTXP2W"
THEIR_PUBLIC_KEY = "age1vjd00thnthf0hhsp5jhjr3d5upm2jn4pakdv7293y8npku82xcmsjugr3z"
THEIR_FILE = """
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSAxOE1BUGdmM1pMa1ZBamtjSFZKUWo2SlhkeXFQUnYwNXdDRXoz
Y3FiK0J3CjV0ZDlmcHl2d1lqbURZOGsvNXZycldWWGNKMGNkN0RHZGEwaTcvaEdJM3MKLT4gVy1ncmVhc2UgdE5eISBE
agpCcU1xTFZwc2ZuMTdmTHAvMTdUK2ZsQ0pqT1UxM01nOVJ2NW53WDRMazhtd1JmL0NvTURCRy94dWl5bXVJSi9uCi8y
enhKdTQrNTBycUJVTEgKLS0tIDFpMDRpclNKOFNDbzJGK2w5STkxRTU2WGwyQURKaWxCY09UZDhCMmlrQWcK3eQNlDlO
XR3mQD8EKR7LOqKAXr2vp8IdyfJ+R7SzaGOYo92vW3+4VO4QYv1itbStEOlySTlnxccJvpc4HcjC6tgc
"""
CHEAP = 4
"""A passphrase in a test need not withstand anybody."""


def encrypted(data: bytes, *ways: age.Way) -> bytes:
    out = io.BytesIO()
    with age.Encrypting(out, ways) as stream:
        stream.write(data)
    return out.getvalue()


def decrypted(data: bytes, *openers: age.Opener) -> bytes:
    return age.Decrypting(io.BytesIO(data), openers).read()


def test_a_file_of_another_program_is_opened():
    (identity,) = age.Identity.read_all(f"# of the auditors\n{THEIR_KEY}\n")
    assert str(identity.recipient()) == THEIR_PUBLIC_KEY
    assert (
        decrypted(base64.b64decode(THEIR_FILE), identity).decode()
        == "Call the shop first. 서버에서\n"
    )


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_whatever_the_size_the_right_key_opens_it(size):
    data = bytes(range(256)) * 800
    key, other = age.Identity.new(), age.Identity.new()
    sealed = encrypted(data[:size], key.recipient(), other.recipient())
    assert decrypted(sealed, key) == decrypted(sealed, other) == data[:size]


def test_another_key_does_not_open_it_and_the_message_says_what_does():
    sealed = encrypted(b"Call the shop first.", age.Identity.new().recipient())
    with pytest.raises(age.Locked, match="encrypted under another key"):
        decrypted(sealed, age.Identity.new())
    with pytest.raises(age.Locked, match="a private key opens it \\(--key FILE\\)"):
        decrypted(sealed)


def test_a_passphrase_opens_it_and_another_does_not():
    sealed = encrypted(b"Call the shop first.", age.Passphrase("nine slow trains", CHEAP))
    assert decrypted(sealed, age.Passphrase("nine slow trains")) == b"Call the shop first."
    with pytest.raises(age.Locked, match="another passphrase"):
        decrypted(sealed, age.Passphrase("nine fast trains"))


def test_a_passphrase_and_a_key_cannot_both_open_it():
    with pytest.raises(age.Locked, match="not both"):
        encrypted(b"", age.Passphrase("nine slow trains", CHEAP), age.Identity.new().recipient())


@pytest.mark.parametrize("place", [30, 100, 150, 300, 70_000, 131_000])
def test_a_changed_byte_is_noticed(place):
    key = age.Identity.new()
    sealed = bytearray(encrypted(bytes(131_072), key.recipient()))
    sealed[place] ^= 1
    with pytest.raises((age.Damaged, age.Locked)):
        decrypted(bytes(sealed), key)


@pytest.mark.parametrize("left", [0, 20, 150, 190, 65_700, 65_752, 131_000])
def test_a_file_that_was_cut_off_is_noticed(left):
    key = age.Identity.new()
    sealed = encrypted(bytes(131_073), key.recipient())
    with pytest.raises(age.Damaged):
        decrypted(sealed[:left], key)


def test_a_key_with_a_slip_of_the_pen_is_refused():
    key = str(age.Identity.new().recipient())
    slip = key[:-1] + ("q" if key[-1] != "q" else "p")
    with pytest.raises(age.Locked, match="is no public key"):
        age.Recipient.read(slip)
    with pytest.raises(age.Locked, match="holds no private key"):
        age.Identity.read_all(key)
