"""Who gets in: the password, the second step, the session, and what guessing costs.

`backend` knows the password, `app_codes`, `passkeys` and `recovery` the second step, `factors` what
somebody has of these, `sessions` who is signed in where, `attempts` how long a guesser waits,
`links` how a forgotten password is replaced, `events` what people are told about their account,
`duties` what is asked of them first. The pages are in `verne.web.views`.
"""
