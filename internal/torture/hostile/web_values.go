//go:build linux

package hostile

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"strings"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// mostMemory is what reading a value of at most 64 KiB may take.
const mostMemory = 16 << 20

// hostileValues puts values into the store that the package would never have encoded, as whoever
// can write to the file or the socket may, and reads them over HTTP: none takes memory or the
// process, and each harms its own key only.
func hostileValues(ctx context.Context, t *trial.Trial) error {
	s, err := newSite(t, "cookie", session.Options{})
	if err != nil {
		return err
	}
	defer s.shut()
	var found hostileFigures
	if s.store == nil {
		err = s.readGob(ctx, t)
	} else {
		err = s.readHostile(ctx, t, &found)
	}
	if err != nil {
		return err
	}
	t.Figure("hostile values (gob decode of at-rest data): %d values, huge claims, depths, tags and random bytes among them: %d refused, %d stored and read as 6 types, with %.1f MiB at most; 0 panics, 0 neighbours harmed%s",
		found.tried, found.tried-found.read, found.read, float64(found.most)/(1<<20), t.Unless())
	return nil
}

type hostileFigures struct {
	tried, read int
	most        uint64
}

// readHostile stores and reads them one by one.
func (s *site) readHostile(ctx context.Context, t *trial.Trial, found *hostileFigures) error {
	backend := session.NewAdminBackend(s.store)
	v, err := s.enter(ctx, "good", "neighbour")
	if err != nil {
		return err
	}
	id := session.TokenID(v.token).String()
	whole, err := backend.Get(ctx, id)
	if err != nil {
		return err
	}
	values := hostileCBOR()
	for range t.Size(20_000, 1000) {
		random := make([]byte, 1+t.Rand.IntN(40))
		for i := range random {
			random[i] = byte(t.Rand.UintN(256))
		}
		values = append(values, random)
	}
	for _, value := range values {
		found.tried++
		whole.Values[""]["bad"] = value
		if n, err := backend.Import(ctx, true, whole); n != 1 || err != nil {
			continue // and the session from before is there
		}
		found.read++
		took, problem, err := s.readBad(ctx, v)
		if err != nil {
			return fmt.Errorf("value % x: %w", value[:min(20, len(value))], err)
		}
		found.most = max(found.most, took)
		if problem != "" || took > mostMemory {
			t.Fail("value % x takes %d bytes to read: %s", value[:min(20, len(value))], took, problem)
		}
	}
	return nil
}

// readBad reads a hostile value as several types.
func (s *site) readBad(ctx context.Context, v *visitor) (took uint64, problem string, err error) {
	var before, after runtime.MemStats
	p, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		runtime.ReadMemStats(&before)
		for _, dst := range []any{new(any), new(string), new(int), new([]any), new(map[string]any), new(struct{ A, B any })} {
			session.From(r).Get("bad", dst)
		}
		runtime.ReadMemStats(&after)
		if got := text(r, "good"); got != "neighbour" {
			problem = "its neighbour is " + got
		}
		session.From(r).Set("more", "written")
	})
	if p.status != http.StatusOK {
		problem = fmt.Sprintf("status %d", p.status)
	}
	return after.TotalAlloc - before.TotalAlloc, problem, err
}

// hostileCBOR are values made by hand.
func hostileCBOR() (values [][]byte) {
	add := func(parts ...string) { values = append(values, []byte(strings.Join(parts, ""))) }
	rep := strings.Repeat
	for _, head := range []string{"\x9a", "\xba", "\x7a", "\x5a"} { // arrays, maps, texts, bytes that claim to be huge
		add(head, "\xff\xff\xff\xff")
		add(head, "\x00\x10\x00\x00", rep("\x01", 100))
	}
	for _, head := range []string{"\x9b", "\xbb", "\x7b", "\x5b"} {
		add(head, rep("\xff", 8))
		add(head, "\x7f", rep("\xff", 7))
	}
	for _, n := range []int{15, 16, 17, 100, 60_000} { // deep
		add(rep("\x81", n), "\x01")
		add(rep("\xa1\x61a", min(n, 20_000)), "\x01")
		add(rep("\xc1", n), "\x01")
		add(rep("\x9f", n), "\x01", rep("\xff", n))
	}
	add("\x9f\x01\xff")
	add("\xbf\x61a\x01\xff")
	add("\x7f\x61a\xff")
	add("\xa2\x61a\x01\x61a\x02") // the same key twice
	add("\x61\xff")               // not UTF-8
	add("\xa1\xf9\x7e\x00\x01")   // NaN as a key
	add("\xa1\x01\x01")
	add("\xc2\x59\xea\x60", rep("\xff", 60_000)) // a number of 60,000 bytes
	add("\xc3\x59\xea\x60", rep("\xff", 60_000))
	add("\xc0\x64late")
	add("\xc1\xfb\x7f\xf0", rep("\x00", 6)) // a time at infinity
	add("\xc1\x1b", rep("\xff", 8))
	add("\xd9\xff\xff\x01")
	add("\xdb", rep("\xff", 8), "\x01")
	add("\x99\x10\x00", rep("\xa0", 4096))
	add("\x8f", rep("\x99\x0f\xff"+rep("\xa0", 4095), 15)) // many empty maps
	add("\x8f", rep("\x99\x0f\xff"+rep("\x80", 4095), 15))
	add("\x8f", rep("\x99\x0f\xff"+rep("\x60", 4095), 15))
	for _, odd := range []string{"\xf7", "\xf8\x20", "\xf8\xff", "\xff", "\x1c", "\xfc", "\x01\x01", "", "\xf9\x7c\x00", "\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"} {
		add(odd)
	}
	return values
}

// readGob is what the control does instead: it decodes what is at rest with gob, into whatever
// registered type that names.
func (s *site) readGob(ctx context.Context, t *trial.Trial) error {
	var fields []reflect.StructField
	for i := range 256 {
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int]()})
	}
	fat := reflect.SliceOf(reflect.StructOf(fields))
	gob.RegisterName("fat", reflect.Zero(fat).Interface())
	var file bytes.Buffer
	value := reflect.MakeSlice(fat, 50_000, 50_000).Interface()
	if err := gob.NewEncoder(&file).Encode(&value); err != nil {
		return err
	}
	value = nil
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var read any
	if err := gob.NewDecoder(&file).Decode(&read); err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > mostMemory {
		t.Fail("a gob of 50 KB takes %d bytes to read", took)
	}
	return nil
}
