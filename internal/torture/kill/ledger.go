//go:build linux

package kill

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	ledgerWriters = 64
	ledgerSlots   = 16 // sessions that each writer has
)

// A ledger is what the writers of a store were promised. It is a file mapped into memory: a kill
// leaves it as it is, and writing to it costs no system call, so that it slows nobody down.
type ledger struct {
	*book
	mem []byte
}

// book is what the file has. It has to stay free of pointers.
type book struct {
	ballast atomic.Uint64 // sessions that were there before, and are never touched
	slots   [ledgerWriters * ledgerSlots]slot
	tallies [ledgerWriters]tally
}

// tally counts what was acknowledged to a writer.
type tally struct{ saves, renewals, destroys atomic.Uint64 }

// slot is one session at a time, of one writer. Its phase is 2n when op n was answered and stands in
// entry n%2, and 2n+1 while op n+1 is under way, which is to bring about the other entry. So whenever
// the writer is killed, both entries that can count are whole.
type slot struct {
	phase   atomic.Uint64
	entries [2]slotEntry
}

type slotEntry struct{ id, a, b atomic.Uint64 }

// An entry is the state of a slot's session. Ops are numbered, so that no value and no ID comes twice.
type entry struct {
	id    uint64 // the op that gave the session its ID, by Create or Renew
	a, b  uint64 // the ops that last changed each of its groups of keys
	alive bool
}

// openLedger maps the ledger at path, an empty one if there is none.
func openLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int(unsafe.Sizeof(book{}))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map ledger: %w", err)
	}
	return &ledger{book: (*book)(unsafe.Pointer(&mem[0])), mem: mem}, nil
}

func (l *ledger) close() error { return syscall.Munmap(l.mem) }

// copyTo writes what is acknowledged by now to another ledger.
func (l *ledger) copyTo(path string) error {
	to, err := openLedger(path)
	if err != nil {
		return err
	}
	defer to.close()
	to.ballast.Store(l.ballast.Load())
	for i := range l.slots {
		p := l.slots[i].promise()
		to.slots[i].entries[p.op%2].store(p.was)
		to.slots[i].phase.Store(2 * p.op)
	}
	return nil
}

// total adds up the tallies.
func (l *ledger) total() (saves, renewals, destroys uint64) {
	for i := range l.tallies {
		t := &l.tallies[i]
		saves, renewals, destroys = saves+t.saves.Load(), renewals+t.renewals.Load(), destroys+t.destroys.Load()
	}
	return saves, renewals, destroys
}

// A promise is what a slot says: the session is as was, or as will if an op is under way.
type promise struct {
	op        uint64 // the last that was answered
	was, will entry
	before    entry // was, unless an op is under way; only while its writer rests
	busy      bool
}

// latest is the last state that the session can have come to.
func (p promise) latest() entry {
	if p.busy {
		return p.will
	}
	return p.was
}

// promise reads the slot, also while its writer goes on.
func (s *slot) promise() promise {
	for {
		phase := s.phase.Load()
		n := phase / 2
		p := promise{op: n, was: s.entries[n%2].load(), busy: phase%2 == 1}
		if other := s.entries[(n+1)%2].load(); p.busy {
			p.will = other
		} else {
			p.before = other
		}
		if s.phase.Load() == phase {
			return p
		}
	}
}

// begin notes an op before it is asked for.
func (s *slot) begin(will entry) {
	n := s.phase.Load() / 2
	s.entries[(n+1)%2].store(will)
	s.phase.Store(2*n + 1)
}

// done notes that it was answered.
func (s *slot) done() { s.phase.Add(1) }

// settle ends an op that was not answered, once it is known whether it happened. Its number is used
// up: were it to come true after all, nothing else would look like it.
func (s *slot) settle(happened bool) {
	n := s.phase.Load() / 2
	if !happened {
		s.entries[(n+1)%2].store(s.entries[n%2].load())
	}
	s.phase.Store(2*n + 2)
}

func (e *slotEntry) store(from entry) {
	id := from.id << 1
	if from.alive {
		id |= 1
	}
	e.id.Store(id)
	e.a.Store(from.a)
	e.b.Store(from.b)
}

func (e *slotEntry) load() entry {
	id := e.id.Load()
	return entry{id: id >> 1, alive: id&1 == 1, a: e.a.Load(), b: e.b.Load()}
}
