package session

import (
	"slices"
	"sync"
)

// ending is a session that ended.
type ending struct {
	id     ID
	reason Reason
}

// observers are those who want to know of ended sessions, in the order they came: ProxyStores,
// which end their live sessions, and then the functions of users.
type observers struct {
	mu      sync.Mutex
	proxies []func(ID, Reason)
	list    []*func(ID, Reason)
	untold  []*news // what the ProxyStores may not know yet

	refusals []func(Reason, func(id ID, user string) bool) // see refuser
}

// news is which sessions ended.
type news struct{ ended []ending }

// addProxy registers what a ProxyStore does, for as long as both live.
func (o *observers) addProxy(end func(ID, Reason)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.proxies = append(o.proxies[:len(o.proxies):len(o.proxies)], end)
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
	o.list = slices.DeleteFunc(slices.Clone(o.list), func(e *func(ID, Reason)) bool { return e == entry })
}

// any says whether anybody listens, so that a long list of IDs need not be made for nobody.
func (o *observers) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.proxies)+len(o.list) > 0
}

// publish notes what ended, to be told by the caller that ended it. It comes before anybody else
// can find these sessions gone: who does, and answers that they are, tells the ProxyStores too.
func (o *observers) publish(ended ...ending) *news {
	if len(ended) == 0 {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	n := &news{ended}
	o.untold = append(o.untold, n)
	return n
}

// tell tells the observers of n, which may be nil. It must be called with no lock held. The
// ProxyStores are also told what others have not come to tell them yet: the caller may have found
// a session gone, and when its call answers it is gone for everybody.
func (o *observers) tell(n *news) {
	o.mu.Lock()
	untold, proxies, list := slices.Clone(o.untold), o.proxies, o.list
	o.mu.Unlock()
	for _, other := range untold {
		other.tell(proxies)
	}
	if n == nil {
		return
	}
	o.mu.Lock()
	o.untold = slices.DeleteFunc(o.untold, func(other *news) bool { return other == n })
	o.mu.Unlock()
	for _, e := range n.ended {
		for _, f := range list {
			(*f)(e.id, e.reason)
		}
	}
}

func (n *news) tell(proxies []func(ID, Reason)) {
	for _, e := range n.ended {
		for _, end := range proxies {
			end(e.id, e.reason)
		}
	}
}

// reasoned returns the ends of sessions that all ended for one reason.
func reasoned(reason Reason, ids []ID) []ending {
	ended := make([]ending, len(ids))
	for i, id := range ids {
		ended[i] = ending{id, reason}
	}
	return ended
}
