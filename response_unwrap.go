package session

import (
	"bufio"
	"net"
	"net/http"
)

// capabilities is what a ResponseWriter can do beyond writing.
type capabilities uint8

const (
	canFlush capabilities = 1 << iota
	canHijack
	canPush
)

func (c capabilities) has(one capabilities) bool { return c&one != 0 }

// capabilitiesOf returns what w, or anything it unwraps to, offers.
func capabilitiesOf(w http.ResponseWriter) capabilities {
	var c capabilities
	for {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			c |= canFlush
		}
		if _, ok := w.(http.Hijacker); ok {
			c |= canHijack
		}
		if _, ok := w.(http.Pusher); ok {
			c |= canPush
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return c
		}
		w = outer.Unwrap()
	}
}

// wrapResponse returns r as a ResponseWriter that is also an http.Flusher, Hijacker and Pusher
// if its original can be. Handlers ask by type assertion and take no for an answer only there,
// so that each combination is a type of its own. io.ReaderFrom is a way of writing, which always works.
func wrapResponse(r *response) http.ResponseWriter {
	type (
		flusher  = http.Flusher
		hijacker = http.Hijacker
		pusher   = http.Pusher
	)
	f, h, p := flushPart{r}, hijackPart{r}, pushPart{r}
	switch r.can {
	case canFlush:
		return struct {
			*response
			flusher
		}{r, f}
	case canHijack:
		return struct {
			*response
			hijacker
		}{r, h}
	case canPush:
		return struct {
			*response
			pusher
		}{r, p}
	case canFlush | canHijack: // net/http over HTTP/1
		return struct {
			*response
			flusher
			hijacker
		}{r, f, h}
	case canFlush | canPush: // net/http over HTTP/2
		return struct {
			*response
			flusher
			pusher
		}{r, f, p}
	case canHijack | canPush:
		return struct {
			*response
			hijacker
			pusher
		}{r, h, p}
	case canFlush | canHijack | canPush:
		return struct {
			*response
			flusher
			hijacker
			pusher
		}{r, f, h, p}
	}
	return r
}

// The parts have no fields but the response: as interfaces they cost no allocation.
type (
	flushPart  struct{ r *response }
	hijackPart struct{ r *response }
	pushPart   struct{ r *response }
)

// Flush implements http.Flusher.
func (p flushPart) Flush() { _ = p.r.FlushError() } // Flush has no way to tell

// Hijack implements http.Hijacker. After a failed save the connection stays with the server,
// which sends the error message.
func (p hijackPart) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !p.r.begin(statusHijacked) {
		return nil, nil, errReplaced
	}
	return http.NewResponseController(p.r.w).Hijack()
}

// Push implements http.Pusher. A push is another request and no part of this response.
func (p pushPart) Push(target string, opts *http.PushOptions) error {
	w := p.r.w
	for {
		if pusher, ok := w.(http.Pusher); ok {
			return pusher.Push(target, opts)
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return http.ErrNotSupported
		}
		w = outer.Unwrap()
	}
}
