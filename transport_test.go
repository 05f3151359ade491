package session

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// foreignTransport is a transport from elsewhere that returns whatever it is made of.
type foreignTransport string

func (p foreignTransport) Token(*http.Request) (string, bool) { return string(p), p != "" }

func (foreignTransport) Send(http.Header, *http.Request, string, time.Time) {}

func (foreignTransport) Clear(http.Header, *http.Request) {}

func (foreignTransport) Vary() string { return "X-Tenant, Cookie" }

func requestWith(fields ...string) *http.Request {
	r := httptest.NewRequest("GET", "http://app.example/", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

func TestTokenOfRequest(t *testing.T) {
	one, two := newToken(), newToken()
	cookie, header, bearer := Cookie(http.Cookie{}), Header(""), Bearer()
	const c, x, a = "Cookie", "X-AUTH-TOKEN", "Authorization"
	tests := []struct {
		name      string
		transport Transport
		request   *http.Request
		fault     tokenFault
	}{
		{"cookie", cookie, requestWith(c, "sid="+one), tokenFine},
		{"cookie among others", cookie, requestWith(c, "a=b; sid="+one+"; xsid="+two), tokenFine},
		{"cookie in the second line", cookie, requestWith(c, "a=b", c, "sid="+one), tokenFine},
		{"cookie without spaces", cookie, requestWith(c, "a=b;sid="+one+";"), tokenFine},
		{"same cookie twice", cookie, requestWith(c, "sid="+one+"; sid="+one), tokenFine},
		{"same cookie in two lines", cookie, requestWith(c, "sid="+one, c, "sid="+one), tokenFine},
		{"differing cookies", cookie, requestWith(c, "sid="+one+"; sid="+two), tokenAmbiguous},
		{"differing cookies in two lines", cookie, requestWith(c, "sid="+one, c, "sid="+two), tokenAmbiguous},
		{"cookie beside an empty one", cookie, requestWith(c, "sid=; sid="+one), tokenAmbiguous},
		{"cookie beside one that net/http drops", cookie, requestWith(c, "sid=a\\b; sid="+one), tokenAmbiguous},
		{"no cookie", cookie, requestWith(), tokenAbsent},
		{"another cookie", cookie, requestWith(c, "SID="+one+"; sid2="+one), tokenAbsent},
		{"empty cookie", cookie, requestWith(c, "sid="), tokenAbsent},
		{"quoted cookie", cookie, requestWith(c, `sid="`+one+`"`), tokenMalformed},
		{"cookie with a space", cookie, requestWith(c, "sid= "+one), tokenMalformed},
		{"short cookie", cookie, requestWith(c, "sid="+one[1:]), tokenMalformed},
		{"long cookie", cookie, requestWith(c, "sid="+one+"A"), tokenMalformed},
		{"4 KiB cookie", cookie, requestWith(c, "sid="+strings.Repeat("A", 4096)), tokenMalformed},
		{"path-like cookie", cookie, requestWith(c, "sid=../../../../../../../../../../../etc/passwd0"), tokenMalformed},
		{"standard base64", cookie, requestWith(c, "sid="+strings.Repeat("+", tokenLen-1)+"A"), tokenMalformed},
		{"stray bits", cookie, requestWith(c, "sid="+strings.Repeat("A", tokenLen-1)+"B"), tokenMalformed},
		{"cookie instead of header", header, requestWith(c, "sid="+one, c, "X-AUTH-TOKEN="+one), tokenAbsent},
		{"header instead of cookie", cookie, requestWith(x, one, a, "Bearer "+one), tokenAbsent},
		{"header", header, requestWith(x, one), tokenFine},
		{"same header twice", header, requestWith(x, one, x, one), tokenFine},
		{"differing headers", header, requestWith(x, one, x, two), tokenAmbiguous},
		{"header list", header, requestWith(x, one+", "+one), tokenMalformed},
		{"empty header", header, requestWith(x, ""), tokenAbsent},
		{"named header", Header("x-session"), requestWith("X-Session", one), tokenFine},
		{"bearer", bearer, requestWith(a, "Bearer "+one), tokenFine},
		{"bearer in other case", bearer, requestWith(a, "bEARER "+one), tokenFine},
		{"two spaces", bearer, requestWith(a, "Bearer  "+one), tokenMalformed},
		{"tab", bearer, requestWith(a, "Bearer\t"+one), tokenAbsent},
		{"bearer without token", bearer, requestWith(a, "Bearer"), tokenAbsent},
		{"bearer with parameters", bearer, requestWith(a, "Bearer "+one+" x"), tokenMalformed},
		{"another scheme", bearer, requestWith(a, "Basic "+one), tokenAbsent},
		{"bare token", bearer, requestWith(a, one), tokenAbsent},
		{"beside another scheme", bearer, requestWith(a, "Basic eDp5", a, "Bearer "+one), tokenFine},
		{"differing bearers", bearer, requestWith(a, "Bearer "+one, a, "Bearer "+two), tokenAmbiguous},
		{"from elsewhere", foreignTransport(one), requestWith(), tokenFine},
		{"malformed from elsewhere", foreignTransport("1' OR '1'='1"), requestWith(), tokenMalformed},
		{"none from elsewhere", foreignTransport(""), requestWith(), tokenAbsent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token, fault := tokenOf(test.transport, test.request)
			if fault != test.fault {
				t.Fatalf("fault %q, want %q", fault, test.fault)
			}
			if want := map[bool]string{true: one}[fault == tokenFine]; token != want {
				t.Fatalf("token %q, want %q", token, want)
			}
		})
	}
}

func TestTokenNeverFromURL(t *testing.T) {
	token := newToken()
	url := "/" + token + "?sid=" + token + "&X-Auth-Token=" + token + "&access_token=" + token
	r := httptest.NewRequest("POST", url, strings.NewReader("sid="+token+"&access_token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, transport := range []Transport{Cookie(http.Cookie{}), Header(""), Bearer()} {
		if got, ok := transport.Token(r); ok || got != "" {
			t.Errorf("%T took a token from the URL or the form", transport)
		}
	}
}

func TestHeaderTransportSendsAndClears(t *testing.T) {
	transport, h, r := Header("x-session"), http.Header{"X-Other": {"kept"}}, requestWith()
	one, two := newToken(), newToken()
	transport.Send(h, r, one, time.Now())
	transport.Send(h, r, two, time.Now())
	if got := h.Values("X-Session"); len(got) != 1 || got[0] != two {
		t.Errorf("sent %q, want the second token alone", got)
	}
	transport.Clear(h, r)
	if len(h) != 1 || h.Get("X-Other") != "kept" {
		t.Errorf("after Clear the header is %v", h)
	}
}

func TestBearerLeavesResponseAlone(t *testing.T) {
	h := http.Header{}
	Bearer().Send(h, requestWith(), newToken(), time.Now())
	Bearer().Clear(h, requestWith())
	if len(h) != 0 {
		t.Errorf("header is %v, want it empty", h)
	}
}

func TestTransportVary(t *testing.T) {
	tests := []struct {
		transport Transport
		vary      string
		byItself  bool
	}{
		{Cookie(http.Cookie{Name: "id"}), "Cookie", true},
		{Header(""), "X-Auth-Token", false},
		{Header("x-session"), "X-Session", false},
		{Bearer(), "Authorization", false},
		{foreignTransport(""), "X-Tenant, Cookie", true},
	}
	for _, test := range tests {
		if got := test.transport.Vary(); got != test.vary {
			t.Errorf("%T: Vary %q, want %q", test.transport, got, test.vary)
		}
		if got := returnsByItself(test.transport); got != test.byItself {
			t.Errorf("%T: returnsByItself is %t", test.transport, got)
		}
	}
}

func TestBindTransport(t *testing.T) {
	trusted := proxies{netip.MustParsePrefix("192.0.2.0/24")} // httptest's peer
	original := Cookie(http.Cookie{})
	bound, err := bindTransport(original, trusted, true)
	if err != nil {
		t.Fatal(err)
	}
	r := requestWith("X-Forwarded-Proto", "https")
	for transport, want := range map[Transport]string{
		original: "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax",
		bound:    "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; Secure; SameSite=Lax",
	} {
		h := http.Header{}
		transport.Clear(h, r)
		if got := h.Get("Set-Cookie"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if bound, err := bindTransport(nil, nil, false); err != nil || bound.Vary() != "Cookie" {
		t.Errorf("no transport became %v, %v", bound, err)
	}
	if bound, err := bindTransport(foreignTransport("x"), trusted, false); err != nil || bound != foreignTransport("x") {
		t.Errorf("a transport from elsewhere became %v, %v", bound, err)
	}
	if _, err := bindTransport(Bearer(), nil, true); err == nil || !strings.Contains(err.Error(), "ScriptableCookie") {
		t.Errorf("ScriptableCookie without cookie: %v", err)
	}
}

func TestHeaderNamesRefused(t *testing.T) {
	for _, name := range []string{"a b", "a:b", "é", "a\r\nb", "(a)", "authorization", "Cookie", "set-cookie", "Content-Length", "TE", "vary"} {
		if _, err := bindTransport(Header(name), nil, false); err == nil || !strings.HasPrefix(err.Error(), "session: Header") {
			t.Errorf("Header(%q): %v", name, err)
		}
	}
	for _, transport := range []Transport{Header(""), Header("x-session"), Bearer()} {
		if _, err := bindTransport(transport, nil, false); err != nil {
			t.Errorf("%T: %v", transport, err)
		}
	}
}
