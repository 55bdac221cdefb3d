package mondayclient_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"crmsync/mondayclient"
)

const (
	oldSecret = "the-old-signing-secret"
	newSecret = "the-new-signing-secret"
)

var noon = time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)

func newVerifier(t testing.TB) *mondayclient.Verifier {
	t.Helper()
	v, err := mondayclient.NewVerifier([]string{newSecret, oldSecret}, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestVerify(t *testing.T) {
	t.Parallel()
	until := func(d time.Duration) jwt.MapClaims { return jwt.MapClaims{"exp": noon.Add(d).Unix()} }
	whole := jwt.MapClaims{"exp": noon.Add(5 * time.Minute).Unix(), "iat": noon.Unix(), "accountId": 1, "userId": 2, "aud": "https://proxy.example", "shortLivedToken": "x"}
	good := sign(t, jwt.SigningMethodHS256, []byte(newSecret), whole)
	parts := strings.Split(good, ".")
	later := base64.RawURLEncoding.EncodeToString([]byte(`{"exp":99999999999}`))
	tests := map[string]struct {
		authorization string
		want          string // empty: accepted
	}{
		"as Monday sends it":      {good, ""},
		"with Bearer":             {"Bearer " + good, ""},
		"with bearer":             {"bearer  " + good, ""},
		"the other secret":        {sign(t, jwt.SigningMethodHS256, []byte(oldSecret), until(time.Minute)), ""},
		"within the leeway":       {sign(t, jwt.SigningMethodHS256, []byte(newSecret), until(-59*time.Second)), ""},
		"nbf and iat to come":     {sign(t, jwt.SigningMethodHS256, []byte(newSecret), jwt.MapClaims{"exp": noon.Add(time.Hour).Unix(), "nbf": noon.Add(time.Hour).Unix(), "iat": noon.Add(time.Hour).Unix()}), ""},
		"odd claims":              {sign(t, jwt.SigningMethodHS256, []byte(newSecret), jwt.MapClaims{"exp": noon.Add(time.Hour).Unix(), "nbf": "x", "aud": 7, "iat": []int{}}), ""},
		"expired":                 {sign(t, jwt.SigningMethodHS256, []byte(newSecret), until(-61*time.Second)), "monday token: expired"},
		"no expiry":               {sign(t, jwt.SigningMethodHS256, []byte(newSecret), jwt.MapClaims{"iat": noon.Unix()}), "monday token: no expiry"},
		"expiry null":             {sign(t, jwt.SigningMethodHS256, []byte(newSecret), jwt.MapClaims{"exp": nil}), "monday token: no expiry"},
		"expiry in words":         {sign(t, jwt.SigningMethodHS256, []byte(newSecret), jwt.MapClaims{"exp": "tomorrow"}), "monday token: malformed"},
		"expiry in quotes":        {sign(t, jwt.SigningMethodHS256, []byte(newSecret), jwt.MapClaims{"exp": fmt.Sprint(noon.Add(time.Hour).Unix())}), "monday token: malformed"},
		"another secret":          {sign(t, jwt.SigningMethodHS256, []byte("another"), until(time.Minute)), "monday token: wrong algorithm or signature"},
		"another secret, expired": {sign(t, jwt.SigningMethodHS256, []byte("another"), until(-time.Hour)), "monday token: wrong algorithm or signature"},
		"HS512":                   {sign(t, jwt.SigningMethodHS512, []byte(newSecret), until(time.Minute)), "monday token: wrong algorithm or signature"},
		"none":                    {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, until(time.Minute)), "monday token: wrong algorithm or signature"},
		"claims exchanged":        {parts[0] + "." + later + "." + parts[2], "monday token: wrong algorithm or signature"},
		"signature cut off":       {parts[0] + "." + parts[1] + ".", "monday token: wrong algorithm or signature"},
		"no signature":            {parts[0] + "." + parts[1], "monday token: malformed"},
		"another scheme":          {"Basic " + good, "monday token: malformed"},
		"words":                   {"let me in", "monday token: malformed"},
		"nothing":                 {"", "monday token: missing"},
		"Bearer and nothing":      {"Bearer  ", "monday token: malformed"},
	}
	v := newVerifier(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := v.Verify(tt.authorization)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Verify: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{"none": nil, "an empty one": {""}, "a blank second": {newSecret, " \n"}, "three": {"a", "b", "c"}} {
		if _, err := mondayclient.NewVerifier(secrets, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzVerify: without a secret no token is accepted, and no error repeats a part of one.
func FuzzVerify(f *testing.F) {
	claims := jwt.MapClaims{"exp": noon.Add(time.Minute).Unix()}
	good := sign(f, jwt.SigningMethodHS256, []byte(newSecret), claims)
	f.Add(good)
	f.Add("Bearer " + good)
	f.Add(sign(f, jwt.SigningMethodHS256, []byte("another"), claims))
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims))
	v := newVerifier(f)
	signature := good[strings.LastIndex(good, "."):]
	f.Fuzz(func(t *testing.T, authorization string) {
		err := v.Verify(authorization)
		if err == nil && !strings.Contains(authorization, signature[:len(signature)-1]) { // the last character has spare bits
			t.Fatalf("%q was accepted", authorization)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "monday token: ") {
			t.Fatalf("%q: %v", authorization, err)
		}
	})
}
