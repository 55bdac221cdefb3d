package sfclient

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

var newKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func testKey(t testing.TB) string {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func TestConfig(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config Config
		faults []string // none: it is right
	}{
		"secret":    {config: Config{LoginURL: "https://a.my.salesforce.com", ClientID: "c", ClientSecret: "s"}},
		"key":       {config: Config{LoginURL: "http://127.0.0.1:80", ClientID: "c", Username: "u", PrivateKey: testKey(t)}},
		"empty":     {Config{}, []string{"login URL", "client ID", "client secret"}},
		"plain":     {Config{LoginURL: "http://a.my.salesforce.com", ClientID: "c", ClientSecret: "s"}, []string{"https"}},
		"in URL":    {Config{LoginURL: "https://u:hush@a.my.salesforce.com", ClientID: "c", ClientSecret: "s"}, []string{"login URL"}},
		"version":   {Config{LoginURL: "https://a.my.salesforce.com", ClientID: "c", ClientSecret: "s", APIVersion: "67"}, []string{"version"}},
		"no user":   {Config{LoginURL: "https://a.my.salesforce.com", ClientID: "c", PrivateKey: testKey(t)}, []string{"username"}},
		"wrong key": {Config{LoginURL: "https://a.my.salesforce.com", ClientID: "c", Username: "u", PrivateKey: "hush"}, []string{"private key"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.config)
			if (err == nil) != (len(tt.faults) == 0) {
				t.Fatalf("New() = %v, want faults %v", err, tt.faults)
			}
			for _, fault := range tt.faults {
				if !strings.Contains(err.Error(), fault) || strings.Contains(err.Error(), "hush") {
					t.Errorf("New() = %v, want it to name %s", err, fault)
				}
			}
		})
	}
}

func TestInstance(t *testing.T) {
	t.Parallel()
	h, err := newHosts("https://login.example:8443", []string{"CRM.example", "other.example:444"})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{
		"https://acme.my.salesforce.com":            true,
		"https://ACME.MY.SALESFORCE.COM/":           true,
		"https://na1.force.com:443":                 true,
		"https://login.example:8443":                true,
		"https://crm.example:9000":                  true,
		"https://other.example:444":                 true,
		"https://other.example":                     false,
		"https://login.example":                     true,
		"http://login.example:8443":                 false,
		"https://sub.login.example:8443":            false,
		"http://acme.my.salesforce.com":             false,
		"http://crm.example":                        false,
		"https://acme.my.salesforce.com:8443":       false,
		"https://evilsalesforce.com":                false,
		"https://salesforce.com.evil.example":       false,
		"https://evil.example/.salesforce.com":      false,
		"https://evil.example#.salesforce.com":      false,
		"https://acme.my.salesforce.com@evil.test":  false,
		"https://acme.my.salesforce.com\\@evil.com": false,
		"http://127.0.0.1:1":                        false,
		"javascript:alert(1)":                       false,
		"":                                          false,
	}
	for raw, want := range tests {
		if u, err := h.instance(raw); (err == nil) != want {
			t.Errorf("instance(%q) = %v, %v, want accepted %v", raw, u, err, want)
		}
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	for login, want := range map[string]string{
		"https://acme.my.salesforce.com":              "https://login.salesforce.com",
		"https://login.salesforce.com":                "https://login.salesforce.com",
		"https://test.salesforce.com":                 "https://test.salesforce.com",
		"https://acme--uat.sandbox.my.salesforce.com": "https://test.salesforce.com",
		"http://localhost:8081":                       "http://localhost:8081",
	} {
		h, err := newHosts(login, nil)
		if err != nil || h.audience() != want {
			t.Errorf("audience of %s = %s, %v, want %s", login, h.audience(), err, want)
		}
	}
}

func TestLoginByKey(t *testing.T) {
	t.Parallel()
	var claims jwt.MapClaims
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/services/oauth2/token") {
			reply(w, 200, `{}`)
			return
		}
		key, _ := newKey()
		_, err := jwt.ParseWithClaims(r.FormValue("assertion"), &claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil })
		if err != nil || r.FormValue("client_secret") != "" {
			t.Errorf("assertion: %v, form %v", err, r.Form)
		}
		reply(w, 200, `{"access_token":"s","instance_url":"http://`+r.Host+`"}`)
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{LoginURL: server.URL, ClientID: "consumer", ClientSecret: "unused", Username: "user@example.org", PrivateKey: testKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Limits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if claims["iss"] != "consumer" || claims["sub"] != "user@example.org" || claims["aud"] != server.URL {
		t.Errorf("claims = %v", claims)
	}
}
