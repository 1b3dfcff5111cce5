"""A home router's UPnP (IGD:1) for the lab: `python fake_igd.py INSIDE_IP OUTSIDE_IP OUTSIDE_DEVICE`, as root.

Answers searches and forwards TCP ports by nftables. It leases nothing, as many real ones: error 725.
"""

import re
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

INSIDE, OUTSIDE, DEVICE = sys.argv[1:4]
PORT = 5000
IGD, WAN = (
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
)
DESCRIPTION = f"""<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">
<specVersion><major>1</major><minor>0</minor></specVersion><device><deviceType>{IGD}</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><serviceList><service>
<serviceType>{WAN}</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId><controlURL>/control</controlURL>
<eventSubURL>/events</eventSubURL><SCPDURL>/scpd.xml</SCPDURL></service></serviceList></device></deviceList></device>
</deviceList></device></root>"""
forwarded: dict[str, str] = {}


def nft(script: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True)


def apply() -> None:
    nft("flush chain ip whatnext forwarded")
    for outside, target in forwarded.items():
        nft(f"add rule ip whatnext forwarded tcp dport {outside} dnat to {target}")


class Control(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200, DESCRIPTION)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = self.headers["SOAPAction"].strip('"').partition("#")[2]
        given = dict(re.findall(r"<(New\w+)[^>]*>([^<]*)</", body))
        values = {}
        if action == "GetExternalIPAddress":
            values = {"NewExternalIPAddress": OUTSIDE}
        elif action == "GetStatusInfo":
            values = {"NewConnectionStatus": "Connected", "NewLastConnectionError": "", "NewUptime": "1"}
        elif action == "AddPortMapping" and given["NewLeaseDuration"] != "0":
            self.fail(725, "OnlyPermanentLeasesSupported")
            return
        elif action == "AddPortMapping":
            forwarded[given["NewExternalPort"]] = f"{given['NewInternalClient']}:{given['NewInternalPort']}"
            apply()
        elif action == "DeletePortMapping":
            del forwarded[given["NewExternalPort"]]
            apply()
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
        self.answer(200, soap(f'<u:{action}Response xmlns:u="{WAN}">{inner}</u:{action}Response>'))

    def fail(self, code: int, words: str) -> None:
        error = f"<errorCode>{code}</errorCode><errorDescription>{words}</errorDescription>"
        self.answer(500, soap(f"<s:Fault><detail><UPnPError>{error}</UPnPError></detail></s:Fault>"))

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def soap(inner: str) -> str:
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<?xml version="1.0"?><s:Envelope xmlns:s="{space}"><s:Body>{inner}</s:Body></s:Envelope>'


def answer_searches() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("239.255.255.250", 1900))
        group = struct.pack("4s4s", socket.inet_aton("239.255.255.250"), socket.inet_aton(INSIDE))
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        print("ready", flush=True)
        while True:
            asked, who = listening.recvfrom(2000)
            if IGD.encode() in asked:
                found = f"LOCATION: http://{INSIDE}:{PORT}/root.xml\r\nST: {IGD}\r\nUSN: uuid:1::{IGD}\r\nEXT:\r\n"
                listening.sendto(
                    f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\n{found}\r\n".encode(), who
                )


nft(
    f"""add chain ip whatnext forwarded
    insert rule ip whatnext destination iifname "{DEVICE}" jump forwarded"""
)
threading.Thread(target=answer_searches, daemon=True).start()
HTTPServer((INSIDE, PORT), Control).serve_forever()
