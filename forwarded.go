package session

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks whose machines are believed when they say on whose behalf they ask:
// by X-Forwarded-For and X-Forwarded-Proto, or without these by Forwarded (RFC 7239). From
// anybody else the fields are a client's invention and not looked at.
//
// A trusted proxy must set or append to X-Forwarded-For, or drop it when it uses Forwarded:
// what it lets through unseen is believed to be its own word.
type proxies []netip.Prefix

// newProxies checks prefixes and brings them to the form that addresses are compared in.
func newProxies(prefixes []netip.Prefix) (proxies, error) {
	trusted := make(proxies, 0, len(prefixes))
	for i, p := range prefixes {
		if !p.IsValid() {
			return nil, fmt.Errorf("session: Options.TrustedProxies[%d] is not a valid prefix", i)
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return nil, fmt.Errorf("session: Options.TrustedProxies[%d]: %s is wider than all of IPv4; name the IPv4 network", i, p)
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		trusted = append(trusted, p.Masked())
	}
	return trusted, nil
}

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// client returns the address that r comes from: its peer's, or while that is a trusted proxy the
// one that the proxy says it had it from, from right to left. What is no address ends the walk
// at the proxy that said it. The result is invalid when the peer has no IP address and no
// proxy is trusted to name one.
func (p proxies) client(r *http.Request) netip.Addr {
	peer := peerOf(r)
	if !p.trust(trustedAs(r, peer)) {
		return peer
	}
	client := peer
	for _, hop := range slices.Backward(forwardedFor(r.Header)) {
		addr, ok := parseHop(hop)
		if !ok {
			break
		}
		client = addr
		if !p.trust(addr) {
			break
		}
	}
	return client
}

// https says whether the client's connection was encrypted: to us, or as the trusted proxy
// that asks says of its own. Some say wss of a WebSocket's.
func (p proxies) https(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if len(p) == 0 || !p.trust(trustedAs(r, peerOf(r))) {
		return false
	}
	proto := lastOf(r.Header["X-Forwarded-Proto"])
	if len(r.Header["X-Forwarded-Proto"]) == 0 {
		if elements := forwardedElements(r.Header["Forwarded"]); len(elements) > 0 {
			proto = elements[len(elements)-1].proto
		}
	}
	return strings.EqualFold(proto, "https") || strings.EqualFold(proto, "wss")
}

// resolved returns r with the client's address as its RemoteAddr, for fingerprint functions:
// r itself, or when the address differs a shallow copy. The port of a client behind a proxy is
// not known and becomes 0.
func (p proxies) resolved(r *http.Request) *http.Request {
	if len(p) == 0 {
		return r
	}
	client := p.client(r)
	if !client.IsValid() || client == peerOf(r) {
		return r
	}
	c := new(http.Request)
	*c = *r
	c.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	return c
}

// peerOf returns the address of r's connection, invalid when it is no IP address.
func peerOf(r *http.Request) netip.Addr {
	addr, _ := parseHop(r.RemoteAddr)
	return addr
}

// trustedAs returns the address to look up for r's peer. Whoever reaches a Unix socket is a
// process of this machine, and trusted when 127.0.0.1 is.
func trustedAs(r *http.Request, peer netip.Addr) netip.Addr {
	if peer.IsValid() {
		return peer
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return peer
}

// parseHop reads an address with or without port, as proxies write it. Addresses come out in one
// form: IPv4 mapped into IPv6 as IPv4, zones (which mean something to one machine only) dropped.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
	var addr netip.Addr
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		addr = withPort.Addr()
	} else {
		if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
			s = strings.TrimSuffix(inner, "]")
		}
		addr, _ = netip.ParseAddr(s)
	}
	addr = addr.Unmap().WithZone("")
	return addr, addr.IsValid()
}

// forwardedFor returns the hops that h names, the nearest last.
func forwardedFor(h http.Header) []string {
	if lines := h["X-Forwarded-For"]; len(lines) > 0 {
		return strings.Split(strings.Join(lines, ","), ",")
	}
	elements := forwardedElements(h["Forwarded"])
	hops := make([]string, len(elements))
	for i, e := range elements {
		hops[i] = e.from
	}
	return hops
}

// lastOf returns the last item of a comma-separated list in several lines.
func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	last := lines[len(lines)-1]
	return strings.Trim(last[strings.LastIndexByte(last, ',')+1:], " \t")
}
