"""Service catalogue management (8.2.4): what customers, users and we ourselves can read about services.

There is one catalogue with several views: each entry describes one service to an audience. When
the service changes, its entries ask to be confirmed.
"""
