package admin

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines notes the read deadlines that are set.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Duration // from then; 0 is none
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	if at.IsZero() {
		d.set = append(d.set, 0)
	} else {
		d.set = append(d.set, time.Until(at))
	}
	return nil
}

// TestBodyHasDeadline: from when it is asked for until its end, and not for what comes after.
func TestBodyHasDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{log: slog.New(slog.DiscardHandler)}
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		s.guarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Hour) // for another import to end
			io.ReadAll(r.Body)
		})).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("{}")))
		if want := []time.Duration{bodyTimeout, bodyTimeout, 0}; !slices.Equal(w.set, want) {
			t.Errorf("deadlines %v, want %v", w.set, want)
		}
		w = &deadlines{ResponseRecorder: httptest.NewRecorder()}
		s.guarded(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if len(w.set) > 0 {
			t.Errorf("deadlines %v without a body", w.set)
		}
	})
}
