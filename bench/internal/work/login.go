package work

import (
	"fmt"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// login is sessions that come and go.
func login(s Size) Workload {
	w := Workload{
		Name:  "login",
		About: "A visitor comes, fills a session with 8 values, signs in under a new token and leaves: three requests. An op is all three.",
		Peers: []string{peer.Ours, peer.Memstore, peer.SQLite, peer.Bolt, peer.Gorilla}, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
	}
	for _, clients := range []int{1, s.Many} {
		w.Cases = append(w.Cases, Case{Name: fmt.Sprintf("churn@%d", clients), Run: func(e *Env) (result.Sample, error) {
			all := make([]load.Client, clients)
			for i := range all {
				v := peer.NewVisit(e.Peer)
				all[i] = func(int) error { return comeAndGo(v) }
			}
			return load.Closed(e.Peer, all, e.Round)
		}})
	}
	return w
}

// comeAndGo is one visitor's three requests.
func comeAndGo(v *peer.Visit) error {
	cookie, err := v.Begin(0)
	if err != nil {
		return err
	}
	if err := v.Do(peer.SignIn, cookie); err != nil {
		return err
	}
	renewed := v.Cookie()
	if renewed == "" || renewed == cookie {
		return fmt.Errorf("%s: the token is not renewed", peer.SignIn)
	}
	return v.Do(peer.Leave, renewed)
}
