package mondayclient

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenLeeway is how far Monday's clock and ours may differ.
const tokenLeeway = time.Minute

// What can be wrong with a webhook's token. No error repeats a part of it.
var (
	errTokenMissing   = errors.New("monday token: missing")
	errTokenExpired   = errors.New("monday token: expired")
	errTokenExpiry    = errors.New("monday token: no expiry")
	errTokenSignature = errors.New("monday token: wrong algorithm or signature")
	errTokenMalformed = errors.New("monday token: malformed")
)

// Verifier checks the JWT that comes with the webhooks of an app.
type Verifier struct {
	keys   jwt.VerificationKeySet
	parser *jwt.Parser
}

// NewVerifier returns a Verifier that accepts tokens signed with any of the secrets: one, or two while a secret is
// rotated. now may be nil.
func NewVerifier(secrets []string, now func() time.Time) (*Verifier, error) {
	if len(secrets) == 0 || len(secrets) > 2 {
		return nil, errors.New("monday signing secret: one or two are needed")
	}
	v := &Verifier{}
	for _, secret := range secrets {
		if strings.TrimSpace(secret) == "" {
			return nil, errors.New("monday signing secret: empty")
		}
		v.keys.Keys = append(v.keys.Keys, []byte(secret))
	}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(now),
	)
	return v, nil
}

// Verify checks the value of an Authorization header, with or without "Bearer ": HS256, signed with one of the secrets,
// and not expired for more than a minute. nbf, iat and aud are ignored: a proxy changes what aud should be.
//
// https://developer.monday.com/apps/docs/authorization-header
func (v *Verifier) Verify(authorization string) error {
	token := strings.TrimSpace(authorization)
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	if token == "" {
		return errTokenMissing
	}
	_, err := v.parser.ParseWithClaims(token, &expiry{}, func(*jwt.Token) (any, error) { return v.keys, nil })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenExpired):
		return errTokenExpired
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return errTokenExpiry
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return errTokenSignature
	}
	return errTokenMalformed
}

// expiry holds the only claim that is read from a token, so that no other claim can make it invalid.
type expiry struct {
	Exp *numericDate `json:"exp"`
}

// numericDate is a time as RFC 7519 has it: a JSON number. The library also accepts a number in quotes.
type numericDate struct{ jwt.NumericDate }

// UnmarshalJSON fails for anything but a number.
func (d *numericDate) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		return errTokenMalformed
	}
	return d.NumericDate.UnmarshalJSON(text)
}

func (e expiry) GetExpirationTime() (*jwt.NumericDate, error) {
	if e.Exp == nil {
		return nil, nil
	}
	return &e.Exp.NumericDate, nil
}
func (expiry) GetIssuedAt() (*jwt.NumericDate, error)  { return nil, nil }
func (expiry) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }
func (expiry) GetIssuer() (string, error)              { return "", nil }
func (expiry) GetSubject() (string, error)             { return "", nil }
func (expiry) GetAudience() (jwt.ClaimStrings, error)  { return nil, nil }
