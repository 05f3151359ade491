package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

func (h *handler) hello(r *http.Request) (any, error) {
	return helloAnswer{processName()}, query(r).done()
}

func (h *handler) stats(r *http.Request) (any, error) {
	if err := query(r).done(); err != nil {
		return nil, err
	}
	stats, err := h.backend.Stats(r.Context())
	if err != nil {
		return nil, err
	}
	// Seen from outside, by whoever asks.
	stats.Live = true
	if stats.Process == "" {
		stats.Process = processName()
	}
	return stats, nil
}

func (h *handler) length(r *http.Request) (any, error) {
	if err := query(r).done(); err != nil {
		return nil, err
	}
	return counted(h.backend.Length(r.Context()))
}

func (h *handler) get(r *http.Request) (any, error) {
	if err := query(r).done(); err != nil {
		return nil, err
	}
	s, err := h.backend.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (h *handler) find(r *http.Request) (any, error) {
	q := query(r)
	prefix, limit := q.text("prefix"), q.number("limit")
	if err := q.done(); err != nil {
		return nil, err
	}
	ids, err := h.backend.Find(r.Context(), prefix, limit)
	if err != nil {
		return nil, err
	}
	return idsAnswer{ids}, nil
}

func (h *handler) destroy(r *http.Request) (any, error) {
	in, err := decode[destroyRequest](r, maxRequest)
	if err != nil {
		return nil, err
	}
	return counted(h.backend.Destroy(r.Context(), in.IDs...))
}

func (h *handler) destroyUser(r *http.Request) (any, error) {
	in, err := decode[userRequest](r, maxRequest)
	if err != nil {
		return nil, err
	}
	return counted(h.backend.DestroyUser(r.Context(), in.User))
}

func (h *handler) clear(r *http.Request) (any, error) {
	if _, err := decode[nothing](r, maxRequest); err != nil {
		return nil, err
	}
	return counted(h.backend.Clear(r.Context()))
}

func (h *handler) reap(r *http.Request) (any, error) {
	if _, err := decode[nothing](r, maxRequest); err != nil {
		return nil, err
	}
	return counted(h.backend.Reap(r.Context()))
}

func (h *handler) backup(r *http.Request) (any, error) {
	in, err := decode[backupRequest](r, maxRequest)
	if err != nil {
		return nil, err
	}
	return nothing{}, h.backend.Backup(r.Context(), in.Path)
}

func (h *handler) compact(r *http.Request) (any, error) {
	if _, err := decode[nothing](r, maxRequest); err != nil {
		return nil, err
	}
	c, err := h.backend.Compact(r.Context())
	return c, err
}

func (h *handler) importAll(r *http.Request) (any, error) {
	select {
	case h.importing <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	defer func() { <-h.importing }()
	in, err := decode[importRequest](r, maxImport)
	if err != nil {
		return nil, err
	}
	return counted(h.backend.Import(r.Context(), in.Replace, in.Sessions...))
}

func counted(n int, err error) (any, error) { return countAnswer{n}, err }

// list sends sessions as they come, so that none of the ends holds them all.
func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r)
	if err != nil {
		fail(w, r, err, 0)
		return
	}
	out := json.NewEncoder(w)
	begun := false
	for s, err := range h.backend.List(r.Context(), f) {
		switch {
		case err != nil && !begun:
			fail(w, r, err, 0)
			return
		case err != nil:
			p, _ := problemOf(reason(r.Context(), err), 0)
			out.Encode(listLine{problem: p})
			return
		case !begun:
			begun = true
			setHeader(w.Header(), "application/x-ndjson")
		}
		if err := out.Encode(listLine{Session: &s}); err != nil {
			return // a client that is gone, or too slow; it sees that the end is missing
		}
	}
	if !begun {
		setHeader(w.Header(), "application/x-ndjson")
	}
	out.Encode(listLine{End: true})
}

// filterOf reads the query of a list.
func filterOf(r *http.Request) (Filter, error) {
	q := query(r)
	f := Filter{User: q.text("user"), Component: q.text("component")}
	if older := q.text("older"); older != "" {
		var err error
		if f.Older, err = time.ParseDuration(older); err != nil {
			return f, fmt.Errorf("%w: older has to be a duration", ErrInvalid)
		}
	}
	return f, q.done()
}
