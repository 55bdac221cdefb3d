package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPerson: a person is named by one header, which a proxy set.
func TestPerson(t *testing.T) {
	t.Parallel()
	e := NewEnvironment(func(name string) string {
		return map[string]string{"CONSOLE_PROXIES": "10.0.0.7, 192.168.0.0/16,::1"}[name]
	})
	g := &guard{header: "X-User", proxies: e.networks("CONSOLE_PROXIES", ""), log: slog.New(slog.DiscardHandler)}
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		from  string
		names []string
		want  string
	}{
		"an address":           {"10.0.0.7:4000", []string{"ada"}, "ada"},
		"a network":            {"192.168.3.4:4000", []string{"ada"}, "ada"},
		"an address in IPv6":   {"[::1]:4000", []string{"ada"}, "ada"},
		"IPv4 mapped to IPv6":  {"[::ffff:10.0.0.7]:4000", []string{"ada"}, "ada"},
		"with a zone":          {"[fe80::1%eth0]:4000", []string{"ada"}, ""},
		"another address":      {"10.0.0.8:4000", []string{"ada"}, ""},
		"not an address":       {"@", []string{"ada"}, ""},
		"the client's own too": {"10.0.0.7:4000", []string{"mallory", "ada"}, ""},
		"none":                 {"10.0.0.7:4000", nil, ""},
		"unprintable":          {"10.0.0.7:4000", []string{" a\x00d\x1ba\u202e "}, "ada"},
		"too long":             {"10.0.0.7:4000", []string{strings.Repeat("ä", 200)}, strings.Repeat("ä", 100)},
	}
	for name, tt := range tests {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-User"] = tt.from, tt.names
		if got := g.person(r); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	e := NewEnvironment(func(string) string { return "10.0.0.0/8, proxy.example, 10.0.0.0/99" })
	if got := e.networks("CONSOLE_PROXIES", ""); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	if err := e.Err(); err == nil || !strings.Contains(err.Error(), `CONSOLE_PROXIES: "proxy.example" is neither an IP address nor a network`) {
		t.Errorf("error %v", err)
	}
}
