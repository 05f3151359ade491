// Package boltfile guards one bbolt file: it creates, opens, verifies, backs up, compacts and
// salvages it so that neither a power cut, nor a damaged page, nor a second process takes the
// program down or loses what was acknowledged. It knows bbolt's format and nothing of what is
// stored in it.
//
// bbolt trusts its file. A flipped bit makes Open panic, fault, hang, or die on a goroutine of
// bbolt's own where no recover reaches. Open therefore reads the whole file with pread first
// (see Verify) and hands bbolt only what is sound, on the descriptor that was locked and read,
// so that nobody can slip in another file between the check and the use.
//
// Code that reads or commits through [File.DB] does so inside [Guard]: a disk can still fail
// under the mapping later.
package boltfile
