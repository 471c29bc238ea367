"""Headers of every answer: what browsers may do with it, and how long it may be kept.

Layer 5. Tests: tests/functional/statuspage/test_site.py.
"""

#: Nothing from elsewhere, nothing inline, in no frame; forms come back to us alone.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

#: Pages may be kept by the browser that asked, which asks each time whether they still hold: they
#: depend on who looks.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Cookie",
}
