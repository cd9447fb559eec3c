"""Domains below which anybody can have a name, and domains where anybody can have a mailbox. Pure.

Short lists of the well-known ones, not the Public Suffix List: that is a file of its own to be kept fresh, and the
policy and the desk look at the subject too. A name missed here proves no more than itself.
"""

from __future__ import annotations

PUBLIC = frozenset(
    """
    ac.uk co.uk gov.uk ltd.uk me.uk net.uk org.uk plc.uk com.au edu.au gov.au id.au net.au org.au co.nz net.nz org.nz
    com.br net.br org.br gov.br co.jp ne.jp or.jp ac.jp go.jp com.cn net.cn org.cn edu.cn gov.cn com.hk org.hk com.tw
    org.tw com.sg org.sg co.in net.in org.in gov.in ac.in co.kr or.kr com.mx org.mx com.ar org.ar com.tr org.tr co.za
    org.za com.pl net.pl org.pl com.ua org.ua co.il org.il com.my com.ph com.vn co.th co.id com.pe com.co com.eg
    com.ng com.pk com.sa eu.org uk.com us.com de.com gb.net
    """.split()  # noqa: SIM905 - as literals they would fill pages
)

SHARED_HOSTING = frozenset(
    """
    github.io gitlab.io codeberg.page bitbucket.io readthedocs.io readthedocs-hosted.com rtfd.io netlify.app vercel.app
    now.sh pages.dev workers.dev herokuapp.com herokudns.com fly.dev onrender.com railway.app surge.sh glitch.me
    repl.co replit.app web.app firebaseapp.com appspot.com run.app cloudfront.net azurewebsites.net azurestaticapps.net
    cloudapp.net blob.core.windows.net amazonaws.com awsapprunner.com amplifyapp.com digitaloceanspaces.com
    ondigitalocean.app blogspot.com wordpress.com tumblr.com wixsite.com squarespace.com weebly.com webflow.io
    myshopify.com notion.site gitbook.io hf.space streamlit.app pythonanywhere.com deno.dev ngrok.io ngrok.app
    ngrok-free.app trycloudflare.com duckdns.org no-ip.org noip.com dyndns.org ddns.net hopto.org neocities.org
    sourceforge.io sourceforge.net altervista.org 000webhostapp.com
    """.split()  # noqa: SIM905 - as literals they would fill pages
)

MAILBOXES = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr live.com msn.com yahoo.com yahoo.co.uk
    yahoo.co.jp ymail.com aol.com icloud.com me.com mac.com proton.me protonmail.com pm.me tutanota.com tuta.io
    tuta.com fastmail.com fastmail.fm hey.com zoho.com zohomail.com gmx.com gmx.net gmx.de web.de t-online.de
    freenet.de mail.com mail.ru inbox.ru list.ru bk.ru yandex.com yandex.ru ya.ru rambler.ru qq.com foxmail.com
    163.com 126.com sina.com naver.com daum.net hanmail.net orange.fr free.fr laposte.net sfr.fr wanadoo.fr libero.it
    virgilio.it tiscali.it seznam.cz wp.pl o2.pl onet.pl interia.pl abv.bg ukr.net rediffmail.com comcast.net
    verizon.net att.net sbcglobal.net btinternet.com disroot.org riseup.net posteo.de posteo.net mailbox.org
    startmail.com mailfence.com runbox.com duck.com users.noreply.github.com
    mailinator.com guerrillamail.com guerrillamail.net sharklasers.com 10minutemail.com temp-mail.org tempmail.com
    yopmail.com yopmail.fr trashmail.com getnada.com dispostable.com maildrop.cc throwawaymail.com mohmal.com
    emailondeck.com fakeinbox.com mailnesia.com moakt.com mintemail.com spamgourmet.com tempr.email discard.email
    """.split()  # noqa: SIM905 - as literals they would fill pages
)


def is_public(domain: str) -> bool:
    """Under which domains are registered, as ``co.uk``."""
    return domain in PUBLIC or domain in SHARED_HOSTING


def shared_host(domain: str) -> str:
    """The host below which the domain is one of many that anybody can have, or nothing."""
    return next((above for above in _above(domain) if above in SHARED_HOSTING), "")


def mail_host(domain: str) -> str:
    """The host at which, or below which, anybody can have a mailbox, or nothing."""
    return next((above for above in _above(domain) if above in MAILBOXES), "")


def _above(domain: str) -> list[str]:
    """The domain and all above it."""
    labels = domain.split(".")
    return [".".join(labels[up:]) for up in range(len(labels))]
