package work

import (
	"errors"
	"fmt"
	"slices"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// requests is what most apps do most of the time: sessions of 8 values, read and written.
func requests(s Size) Workload {
	apps := []string{peer.Ours, peer.Memstore, peer.SQLite, peer.Bolt, peer.Gorilla, peer.Iris}
	reading := append(apps, peer.BoltIdle, peer.None)
	writing := append(apps, peer.RawPut, peer.RawSync)
	w := Workload{
		Name:  "requests",
		About: "Sessions with 8 small values. A read-only request reads two of them; a read+write request reads one and counts up another. Each client has sessions of its own, picked at random; `shared` has all clients in one session.",
		Peers: append(writing, peer.BoltIdle, peer.None), Rounds: 5, Shape: peer.Shape{Keys: 8}, Setup: fill(sessions),
	}
	w.Cases = append(w.Cases, requestCase("read", 1, peer.Read).with(reading...), requestCase("read", s.Many, peer.Read).with(reading...))
	for _, clients := range s.Clients {
		w.Cases = append(w.Cases, requestCase("read+write", clients, peer.Write).with(writing...))
	}
	for _, clients := range slices.Compact([]int{8, s.Many}) {
		w.Cases = append(w.Cases, Case{Name: fmt.Sprintf("shared@%d", clients), Peers: apps, Run: runShared(clients)})
	}
	return w
}

// runShared has all clients count in one session, and looks how many of their updates are lost.
func runShared(clients int) func(*Env) (result.Sample, error) {
	return func(e *Env) (s result.Sample, err error) {
		before, err := e.number()
		if err != nil {
			return s, err
		}
		sent := make([]int, clients)
		all := e.shared(clients, peer.Write)
		for i, send := range all {
			all[i] = func(n int) error { sent[i]++; return send(n) }
		}
		if s, err = load.Closed(e.Peer, all, e.Round); err != nil {
			return s, err
		}
		after, err := e.number()
		if err != nil {
			return s, err
		}
		total := 0
		for _, n := range sent {
			total += n
		}
		s.Extra = result.Figures{result.Lost: 1 - float64(after-before)/float64(max(1, total))}
		return s, nil
	}
}

// number returns the counter of the first session.
func (e *Env) number() (n int, err error) {
	v := peer.NewVisit(e.Peer)
	if err := v.Do(peer.Read, e.Cookies[0]); err != nil {
		return 0, err
	}
	if _, err := fmt.Sscan(v.Body(), &n); err != nil {
		return 0, errors.Join(errors.New("read the counter"), err)
	}
	return n, nil
}

// several are the peers of workloads that tell one way to keep data from another.
func several() []string { return []string{peer.Ours, peer.Memstore, peer.SQLite, peer.Bolt} }

// keys is requests with larger sessions.
func keys(s Size) Workload {
	return Workload{
		Name:  "keys",
		About: "The same with 32 small values in a session.",
		Peers: several(), Shape: peer.Shape{Keys: 32}, Setup: fill(small),
		Cases: []Case{
			requestCase("read", 1, peer.Read), requestCase("read+write", 1, peer.Write), requestCase("read+write", s.Many, peer.Write),
		},
	}
}

// components is sessions in several parts.
func components(s Size) Workload {
	return Workload{
		Name:  "components",
		About: "Sessions with 8 small values and 4 components of 4 more. A request reads one component and changes another one and the global one. Peers without components keep them as keys with a prefix.",
		Peers: several(), Shape: peer.Shape{Keys: 8, Parts: 4}, Setup: fill(small),
		Cases: []Case{
			requestCase("read", 1, peer.Read), requestCase("parts", 1, peer.Parts), requestCase("parts", s.Many, peer.Parts),
		},
	}
}

// carts is sessions with a large value.
func carts(s Size) Workload {
	return Workload{
		Name:  "carts",
		About: "Sessions with 8 small values and one of 8 KiB. `cart` replaces the large one, `read+write` changes a small one.",
		Peers: append(several(), peer.Gorilla), Shape: peer.Shape{Keys: 8, Cart: 8 << 10}, Setup: fill(func(s Size) int { return s.Small / 4 }),
		Cases: []Case{
			requestCase("read", 1, peer.Read), requestCase("read+write", 1, peer.Write), requestCase("read+write", s.Many, peer.Write),
			requestCase("cart", 1, peer.Cart), requestCase("cart", s.Many, peer.Cart),
		},
	}
}

// relaxed is saves that need not be on disk at once.
func relaxed(s Size) Workload {
	return Workload{
		Name:  "relaxed",
		About: "`SyncEvery: time.Second` against a store that is only in memory.",
		Peers: []string{peer.OursRelaxed, peer.Memstore}, Rounds: 5, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
		Cases: []Case{
			requestCase("read", 1, peer.Read), requestCase("read+write", 1, peer.Write), requestCase("read+write", s.Many, peer.Write),
		},
	}
}

// encryption is what encrypting costs.
func encryption(s Size) Workload {
	return Workload{
		Name:  "encryption",
		About: "What `BoltOptions.Keys` costs.",
		Peers: []string{peer.Ours, peer.OursEncrypted}, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
		Cases: []Case{
			requestCase("read", 1, peer.Read), requestCase("read+write", 1, peer.Write), requestCase("read+write", s.Many, peer.Write),
		},
	}
}
