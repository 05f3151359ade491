//go:build linux

package race

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/boltsession/session"
)

// raceWeb renews sessions as visitors do: in requests.
type raceWeb struct{ renews http.Handler }

func newRaceWeb(proxy *session.ProxyStore) (*raceWeb, error) {
	manager, err := session.New(proxy, &session.Options{
		Fingerprint: session.FingerprintNone,
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return &raceWeb{manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		if s.IsNew() { // the visitor's has ended
			w.WriteHeader(http.StatusGone)
			return
		}
		switch err := s.Renew(r.Context()); {
		case errors.Is(err, session.ErrNotFound):
			w.WriteHeader(http.StatusGone)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))}, nil
}

// renew renews the session of a token and returns the new ID; moved is false when it had ended.
func (web *raceWeb) renew(token string) (to session.ID, moved bool, err error) {
	r := httptest.NewRequest("POST", "/login", nil)
	r.AddCookie(&http.Cookie{Name: "sid", Value: token})
	w := httptest.NewRecorder()
	web.renews.ServeHTTP(w, r)
	switch w.Code {
	case http.StatusGone:
		return to, false, nil
	case http.StatusOK:
	default:
		return to, false, errors.New(w.Body.String())
	}
	for _, c := range w.Result().Cookies() {
		if c.Name == "sid" && c.Value != "" && c.Value != token {
			return session.TokenID(c.Value), true, nil
		}
	}
	return to, false, errors.New("renewed, and no new token sent")
}
