//go:build linux

package hostile

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/boltsession/session/internal/torture/trial"
)

// strangers asks without a token and with ones that open nothing, logs out who never logged in, and
// looks for what that left behind.
func strangers(ctx context.Context, t *trial.Trial) error {
	dir, err := os.MkdirTemp(t.Dir, "app-")
	if err != nil {
		return err
	}
	a, err := startApp(ctx, t, appConfig{Dir: dir, Adopt: t.Broken})
	if err != nil {
		return err
	}
	defer a.kill()
	begun, file, err := a.state(dir)
	if err != nil {
		return err
	}
	if err := crowd(ctx, a.address, t.Size(3000, 500)); err != nil { // what grows once: buffers, connections
		return err
	}
	before, err := a.vitals()
	if err != nil {
		return err
	}
	n := t.Size(100_000, 3000)
	if err := crowd(ctx, a.address, n); err != nil {
		return err
	}
	after, now, err := a.state(dir)
	if err != nil {
		return err
	}
	grown, commits := after.RSS-before.RSS, after.Commits-begun.Commits
	if after.Records != 0 || commits != 0 || now != file {
		t.Fail("%d strangers left %d records, %d commits; the file is the same: %v", n, after.Records, commits, now == file)
	}
	if grown > 10<<10 {
		t.Fail("%d strangers cost %d KiB of memory", n, grown)
	}
	t.Figure("strangers (Django CVE-2015-5143, CVE-2015-5963): %d anonymous requests, logouts and random tokens: %d records, %d commits, file as before: %v, memory %+.1f MiB",
		n, after.Records, commits, now == file, float64(grown)/1024)
	return a.stop()
}

// state returns what an app has in use, and the state of its file.
func (a *actor) state(dir string) (vitals, image, error) {
	v, err := a.vitals()
	if err != nil {
		return v, image{}, err
	}
	o := opened{path: dir + "/sessions.db"}
	file, err := o.image()
	return v, file, err
}

// crowd sends n strangers' requests, some at a time.
func crowd(ctx context.Context, address string, n int) error {
	const clients = 16
	client := plainClient(&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()})
	defer client.CloseIdleConnections()
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for j := i; j < n && errs[i] == nil; j += clients {
				errs[i] = stranger(ctx, client, address, j)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// stranger sends one of them.
func stranger(ctx context.Context, client *http.Client, address string, i int) error {
	path := []string{"read", "logout", "regenerate"}[i%3]
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/"+path, nil)
	if err != nil {
		return err
	}
	if i%2 == 0 {
		bring(r.Header, "cookie", randomToken())
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", path, res.StatusCode)
	}
	return nil
}
