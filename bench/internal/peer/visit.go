package peer

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Visit is how a client's requests reach a peer without a socket: all pay the same for it, which
// is a copy of the request and an empty header. It is for one goroutine.
type Visit struct {
	handler http.Handler
	header  http.Header // of the requests
	cookie  []string
	w       answer
}

// NewVisit returns a client of a handler.
func NewVisit(h http.Handler) *Visit {
	v := &Visit{handler: h, cookie: make([]string, 1), w: answer{header: http.Header{}}}
	v.header = http.Header{"User-Agent": {UserAgent}, "Accept": {"text/html"}}
	return v
}

// UserAgent and the address are what sessions may be bound to.
const (
	UserAgent  = "bench/1"
	remoteAddr = "127.0.0.1:4711"
)

// requests are copied for each request.
var requests = func() map[string]*http.Request {
	m := map[string]*http.Request{}
	for route := range new(App).actions() {
		r, err := http.NewRequest(http.MethodPost, route, http.NoBody)
		if err != nil {
			panic(err) // the routes are constants
		}
		r.RemoteAddr, r.Host, r.RequestURI = remoteAddr, "localhost", route
		m[route] = r
	}
	return m
}()

// Do sends a request with a cookie, none when it is "", and returns an error unless it went well.
func (v *Visit) Do(route, cookie string) error {
	base := requests[route]
	r := base.WithContext(base.Context())
	r.Header = v.header
	if v.cookie[0] = cookie; cookie != "" {
		v.header["Cookie"] = v.cookie
	} else {
		delete(v.header, "Cookie")
	}
	clear(v.w.header)
	v.w.status, v.w.body = http.StatusOK, v.w.body[:0]
	v.handler.ServeHTTP(&v.w, r)
	if v.w.status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %s", route, v.w.status, v.w.body)
	}
	return nil
}

// Cookie returns what the last response set, in the form that a client sends; "" is nothing.
func (v *Visit) Cookie() string {
	lines := v.w.header["Set-Cookie"]
	if len(lines) == 0 {
		return ""
	}
	cookie, _, _ := strings.Cut(lines[len(lines)-1], ";")
	return cookie
}

// Body returns the body of the last response.
func (v *Visit) Body() string { return string(v.w.body) }

// Begin sends what makes the i-th session, and returns its cookie.
func (v *Visit) Begin(i int) (string, error) {
	v.header.Set("X-Session", strconv.Itoa(i))
	defer v.header.Del("X-Session")
	if err := v.Do(Fill, ""); err != nil {
		return "", err
	}
	if v.Cookie() == "" {
		return "", fmt.Errorf("%s: no cookie", Fill)
	}
	return v.Cookie(), nil
}

// answer is a ResponseWriter that keeps little.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (w *answer) Header() http.Header    { return w.header }
func (w *answer) WriteHeader(status int) { w.status = status }

func (w *answer) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}
