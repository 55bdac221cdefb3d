package salesforce_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	o := setup(t, sfsim.Config{ClientID: "app", ClientSecret: "secret", RefreshToken: "again", PublicKey: &key.PublicKey})
	assertion := func(key *rsa.PrivateKey, change func(jwt.MapClaims)) string {
		claims := jwt.MapClaims{"iss": "app", "sub": "integration@sim.example", "aud": "https://login.salesforce.com",
			"exp": time.Now().Add(3 * time.Minute).Unix()}
		change(claims)
		signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	same := func(jwt.MapClaims) {}
	const bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	tests := map[string]struct {
		form url.Values
		want string // error; empty: a token
	}{
		"client credentials": {url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"secret"}}, ""},
		"wrong secret":       {url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"x"}}, "invalid_client"},
		"wrong app":          {url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"secret"}}, "invalid_client_id"},
		"password":           {url.Values{"grant_type": {"password"}, "client_id": {"app"}}, "unsupported_grant_type"},
		"refresh":            {url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {"again"}}, ""},
		"wrong refresh":      {url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {"x"}}, "invalid_grant"},
		"jwt":                {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, same)}}, ""},
		"jwt to this host":   {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, func(c jwt.MapClaims) { c["aud"] = o.url })}}, ""},
		"jwt of another key": {url.Values{"grant_type": {bearer}, "assertion": {assertion(other, same)}}, "invalid_grant"},
		"jwt of another app": {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, func(c jwt.MapClaims) { c["iss"] = "x" })}}, "invalid_grant"},
		"jwt to another":     {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, func(c jwt.MapClaims) { c["aud"] = "https://example.com" })}}, "invalid_grant"},
		"jwt without user":   {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, func(c jwt.MapClaims) { delete(c, "sub") })}}, "invalid_grant"},
		"jwt expired":        {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, func(c jwt.MapClaims) { c["exp"] = 1 })}}, "invalid_grant"},
		"jwt too long":       {url.Values{"grant_type": {bearer}, "assertion": {assertion(key, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(time.Hour).Unix() })}}, "invalid_grant"},
		"no jwt":             {url.Values{"grant_type": {bearer}, "assertion": {"a.b.c"}}, "invalid_grant"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := o.grant(tt.form)
			body, _ := r.body.(map[string]any)
			if tt.want != "" {
				if r.status != http.StatusBadRequest || body["error"] != tt.want {
					t.Errorf("answered %d %s, want 400 with %s", r.status, r.text, tt.want)
				}
				return
			}
			_, expires := body["expires_in"]
			if r.status != http.StatusOK || body["instance_url"] != o.url || body["token_type"] != "Bearer" || expires {
				t.Errorf("answered %d %s, want a token without expires_in for %s", r.status, r.text, o.url)
			}
		})
	}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSession(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(time.Now().Unix())
	o := setup(t, sfsim.Config{SessionLife: time.Hour, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	expect := func(status int, code string) {
		t.Helper()
		if r := o.do(http.MethodGet, "/limits", ""); r.status != status || r.code() != code {
			t.Fatalf("answered %d %s, want %d %s", r.status, r.text, status, code)
		}
	}
	expect(200, "")
	now.Add(3000)
	expect(200, "") // each use extends it
	now.Add(3000)
	expect(200, "")
	now.Add(4000)
	expect(401, "INVALID_SESSION_ID")
	o.login()
	expect(200, "")
	o.Revoke()
	expect(401, "INVALID_SESSION_ID")
	o.token = ""
	expect(401, "INVALID_SESSION_ID")

	if r := o.do(http.MethodGet, "/services/data", ""); r.status != 200 || !strings.Contains(r.text, `"version":"67.0"`) {
		t.Errorf("versions answered %d %s, want a list with 67.0", r.status, r.text)
	}
	o.SetDown(true)
	for _, path := range []string{"/services/oauth2/token", "/limits", "/services/data"} {
		if r := o.do(http.MethodPost, path, ""); r.status != 503 || !strings.HasPrefix(r.text, "<!DOCTYPE html>") {
			t.Errorf("%s answered %d %s while down", path, r.status, r.text)
		}
	}
	o.SetDown(false)
	o.login()
	expect(200, "")
}
