package session

import "sync"

// observers are the functions that want to know of ended sessions, in the order they came.
type observers struct {
	mu   sync.Mutex
	list []*func(ID, Reason)

	refusals []func(Reason, func(id ID, user string) bool) // see refuser
}

// add registers f until cancel is called.
func (o *observers) add(f func(ID, Reason)) (cancel func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	entry := &f
	o.list = append(o.list[:len(o.list):len(o.list)], entry)
	return func() { o.remove(entry) }
}

func (o *observers) remove(entry *func(ID, Reason)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := make([]*func(ID, Reason), 0, len(o.list))
	for _, e := range o.list {
		if e != entry {
			kept = append(kept, e)
		}
	}
	o.list = kept
}

// any says whether anybody listens, so that a long list of IDs need not be made for nobody.
func (o *observers) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list) > 0
}

// notify calls every observer. It must be called with no lock held.
func (o *observers) notify(reason Reason, ids ...ID) {
	o.mu.Lock()
	list := o.list
	o.mu.Unlock()
	for _, id := range ids {
		for _, f := range list {
			(*f)(id, reason)
		}
	}
}
