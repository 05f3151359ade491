// Package sessiontest helps to test: a store of sessions against the rules that every store
// keeps, and an app's handlers with a session but without a server.
//
// # Handlers
//
// [Request] gives a request a new session, as Manager.Handler does:
//
//	r, s := sessiontest.Request(t, httptest.NewRequest("GET", "/", nil))
//	s.Set("views", 41)
//	w := httptest.NewRecorder()
//	views(w, r) // its session.From(r) is s
//
// # Stores
//
// [TestStore] is the whole test of a store that is written against [session.Store], and
// [TestReopen] that of what a store keeps in files. The example of TestStore is a complete
// store. Each subtest bears the number of the rule that it proves:
//
//  1. Save merges key by key in one atomic step: savers of different keys never lose anything;
//     on one key the last operation wins.
//  2. Save never brings back an ended session. The first save of a new session consumes the
//     right to create it; only a clean failure gives it back.
//  3. Get never returns an expired session, whether or not anything reaps. Times come from
//     [session.Meta]; nothing moves the lifetime's end, and the last access only moves forward.
//  4. Nobody shares memory with the store, and what was set comes back equal.
//  5. A value that does not decode harms only its own key.
//  6. Save returns nil only when everything dirty at its call is stored. A context that is done
//     before work starts means that nothing is done.
//  7. Every method is safe for concurrent use. Close waits and can be called again; afterwards
//     every method returns [session.ErrClosed].
//
// The optional interfaces, such as [session.Lister], have a subtest of their name each, which
// runs if [session.As] finds the interface in the store. TestStore logs which it did not find.
//
// The suite needs neither sleeps nor access to the store's inside: it makes expired sessions by
// saving metadata with times in the past. It runs in a bubble of testing/synctest as well, without
// subtests there, as bubbles have none, but with checks that let time pass.
package sessiontest
