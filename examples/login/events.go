package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/boltsession/session"
)

// heartbeat is how often a stream shows that it lives, to proxies that end silent connections.
const heartbeat = 25 * time.Second

// events streams what changes about the user to an open page, as server-sent events: the number
// of pieces in the cart and of devices, and, last, that the session has ended.
func (sh *shop) events(w http.ResponseWriter, r *http.Request) {
	s := session.From(r)
	w.Header().Set("Content-Type", "text/event-stream")
	stream := eventStream{w: w, ctl: http.NewResponseController(w)}
	if s.User() == "" {
		stream.send("ended", nil) // while the page was not connected
		return
	}
	changed, leave := sh.hub.join(s.User())
	defer leave()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	err := sh.sendState(r.Context(), stream, s)
	for err == nil {
		select {
		case <-s.Done():
			stream.send("ended", nil)
			return
		case <-changed:
			err = sh.sendState(r.Context(), stream, s)
		case <-beat.C:
			s.Touch() // an open page is a use of the session
			err = stream.comment()
		case <-r.Context().Done():
			return
		case <-sh.hub.closed:
			return // the page connects again by itself, to the next server
		}
	}
}

// state is what a page shows of the user.
type state struct {
	Cart    int `json:"cart"`
	Devices int `json:"devices"`
}

func (sh *shop) sendState(ctx context.Context, stream eventStream, s *session.Session) error {
	c, err := s.Component(ctx, "cart")
	if errors.Is(err, session.ErrNotFound) {
		return nil // ended: Done says so
	}
	if err != nil {
		return err
	}
	infos, err := sh.users.ByUser(ctx, s.User())
	if err != nil {
		return err
	}
	return stream.send("state", state{Cart: cart{c}.pieces(), Devices: len(infos)})
}

// eventStream writes server-sent events.
type eventStream struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

func (e eventStream) send(event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.w, "event: %s\ndata: %s\n\n", event, text); err != nil {
		return err
	}
	return e.ctl.Flush()
}

func (e eventStream) comment() error {
	if _, err := fmt.Fprint(e.w, ": still here\n\n"); err != nil {
		return err
	}
	return e.ctl.Flush()
}
