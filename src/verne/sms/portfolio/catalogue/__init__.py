"""Service catalogue management (8.2.4): what its readers are told about services.

There is one catalogue with several views: each entry describes one service to an audience. When
the service changes, its entries ask to be confirmed.
"""
