// Package session gives a Go program HTTP sessions that live in one bbolt file. They survive
// restarts, crashes and power cuts; two requests of a visitor never lose each other's writes;
// logging out is final; and the store can be looked at with the command sessctl. It is made for
// programs that run on one machine: a bbolt file is open in one process at a time.
//
// # Use
//
// Open a store once, make a Manager over it, wrap the handlers:
//
//	store, err := session.Open("sessions.db", nil)
//	…
//	defer store.Close()
//	sessions, err := session.New(store, nil)
//	…
//	http.Server{Handler: sessions.Handler(mux)}
//
// and in a handler take the request's session and use typed keys:
//
//	const Views session.Key[int] = "views"
//
//	n, err := Views.Update(session.From(r), func(n int) int { return n + 1 })
//
// What a handler sets is saved before the first byte of its response; if that fails, the
// client gets an error and not a response that promises what was not stored. A visitor who
// sets nothing costs nothing: no record, no cookie.
//
// So set before you write. What is set later is saved when the handler returns, and the client
// is not told if that fails; a new session cannot begin then, which a warning says.
//
// At login, and whenever a user's rights change, call [Session.SetUser] and [Session.Renew]: the
// session goes on under a new token and the old one is dead in the same commit. To log out,
// [Session.Destroy].
//
// # The types
//
// A [Store] keeps sessions: [BoltStore] in a file, [MemoryStore] in memory, or your own, which
// package sessiontest checks. While a BoltStore is open, its user can look at it and steer it
// through a socket beside the file, with sessctl or package admin; [NewAdminBackend] does the
// same to any store from within. A [ProxyStore] stands before a store and holds its live
// sessions, so that all requests of a visitor share one state. A [Manager] gives requests their
// sessions and responses their cookies. A [Session] is a handle on a session: its values are
// those of the global component, and [Session.Component] gives named ones, so that parts of a
// program keep out of each other's way and read only what they use.
//
// Values are encoded as CBOR when they are set and decoded when they are read; nobody shares
// memory. Of structs the exported fields are kept, as with encoding/json, whose tags apply. What
// could not be read back equal in these is refused when it is set: functions, channels, cycles,
// strings that are not UTF-8, structs with nothing but unexported fields, an int inside an
// interface (it would come back as an int64), slices of more than 4,096 elements (bytes are no
// elements), maps of more than 1,024 keys, more than 16 levels. Struct fields may be added and
// dropped later, as with JSON; a value that fits its type no longer harms only its own key.
//
// # Lifecycle
//
// A session begins when something is set, and is stored then. It expires when it was idle for
// its max age (4 hours unless told otherwise), at the latest at the end of its lifetime (30
// days); expired ones are never served, and a reaper deletes them every ten minutes. Each request
// touches its session, in memory first: touches cost no write. It ends for good by Destroy,
// Regenerate, Renew (under its old token), Clear, DestroyUser or expiry, from wherever, for all
// requests under way: their Set and Save give [ErrNotFound], and [Session.Done] tells a long
// stream.
//
// # What survives
//
// When Save returns nil, and so before a response begins, its changes are on disk: they survive
// kill -9 and a power cut, if the disk keeps what it has confirmed. The same goes for every end.
// With [BoltOptions].SyncEvery, saves answer at once and a crash of the machine or program loses
// at most that much time of them; ends are on disk all the same. A crash loses the last accesses
// of up to TouchInterval. Neither tears a record, and damage is found by checksums and not
// served.
//
// # Limits
//
// Two first requests at once make two sessions; the last cookie wins. When the response to a
// renewal gets lost, the client is logged out. Retired tokens are forgotten when the program
// restarts. Repeating an Update after [ErrUncertain] may apply it twice. A clock set back makes
// sessions live longer. Handlers of one session see each other's unsaved writes. A listing
// during Clear or Renew may miss or repeat a session. Metadata and the names of users and
// components are in the file in clear, and so are values unless [BoltOptions].Keys encrypts
// them. Local disks only.
package session
