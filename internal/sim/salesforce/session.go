package salesforce

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"crmsync/internal/sim/fault"
)

const orgID = "00D5f000000SimOEAS"

// assertionLife limits how far in the future a JWT bearer assertion may expire.
const assertionLife = 5 * time.Minute

// tokenError is the form of the token endpoint's errors: an object, unlike the REST API's arrays.
type tokenError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// token handles the OAuth token endpoint. Its answers have no expires_in.
//
// https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls[opToken]++
	s.mu.Unlock()
	f, _ := s.faultFor(operation{name: opToken})
	if !f.After {
		fault.Wait(r.Context(), f.Delay)
		if f.Fails() {
			writeFault(w, f)
			return
		}
	}
	a := s.grant(r)
	if f.After {
		fault.Wait(r.Context(), f.Delay)
	}
	if f.Fails() {
		writeFault(w, f)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.json())
}

func (s *Sim) grant(r *http.Request) answer {
	refuse := func(code, description string) answer {
		return answer{status: http.StatusBadRequest, body: tokenError{code, description}}
	}
	if r.Method != http.MethodPost {
		return refuse("invalid_request", "must use HTTP POST")
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	var description string
	switch grant := r.PostFormValue("grant_type"); grant {
	case "client_credentials", "refresh_token":
		switch {
		case !s.knows(id):
			return refuse("invalid_client_id", "client identifier invalid")
		case (secret != "" || grant == "client_credentials") && !accepts(s.config.ClientSecret, secret):
			return refuse("invalid_client", "invalid client credentials")
		case grant == "refresh_token" && (s.config.RefreshToken == "" ||
			r.PostFormValue("refresh_token") != s.config.RefreshToken):
			description = "expired access/refresh token"
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		description = s.checkAssertion(r.PostFormValue("assertion"), origin(r))
	default:
		return refuse("unsupported_grant_type", "grant type not supported")
	}
	if description != "" {
		return refuse("invalid_grant", description)
	}
	return s.open(origin(r), id)
}

// open starts a session.
func (s *Sim) open(origin, client string) answer {
	var random [30]byte
	rand.Read(random[:])
	token := orgID[:15] + "!AQ" + base64.RawURLEncoding.EncodeToString(random[:])
	s.mu.Lock()
	s.sessions[token] = s.sessionEnd()
	s.mu.Unlock()
	identity := origin + "/id/" + orgID + "/" + s.user
	issued := strconv.FormatInt(s.config.Now().UnixMilli(), 10)
	sign := hmac.New(sha256.New, []byte(client))
	sign.Write([]byte(identity + issued))
	return answer{status: http.StatusOK, body: map[string]string{
		"access_token": token, "instance_url": s.instanceFor(origin), "id": identity, "token_type": "Bearer",
		"issued_at": issued,
		"scope":     "api", "signature": base64.StdEncoding.EncodeToString(sign.Sum(nil)),
	}}
}

// checkAssertion returns what is wrong with a JWT bearer assertion, or "".
func (s *Sim) checkAssertion(assertion, origin string) (description string) {
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	token, _, err := parser.ParseUnverified(assertion, claims)
	if err == nil && token.Method.Alg() != "RS256" {
		return "algorithm not supported"
	}
	if err == nil && s.config.PublicKey != nil {
		_, err = parser.ParseWithClaims(assertion, claims, func(*jwt.Token) (any, error) { return s.config.PublicKey, nil })
	}
	if err != nil {
		return "invalid assertion"
	}
	issuer, _ := claims.GetIssuer()
	subject, _ := claims.GetSubject()
	audience, _ := claims.GetAudience()
	expires, _ := claims.GetExpirationTime()
	now := s.config.Now()
	switch {
	case !s.knows(issuer):
		return "client identifier invalid"
	case subject == "":
		return "user hasn't approved this consumer"
	case !slices.ContainsFunc(audience, func(a string) bool {
		return a == origin || a == "https://login.salesforce.com" || a == "https://test.salesforce.com"
	}):
		return "audience is invalid"
	case expires == nil || now.After(expires.Time) || expires.After(now.Add(assertionLife)):
		return "expired authorization code"
	}
	return ""
}

// authorize checks a request's session and extends it.
func (s *Sim) authorize(header string) *failure {
	scheme, token, _ := strings.Cut(header, " ")
	if header != "" && !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return fail("INVALID_AUTH_HEADER", "INVALID_AUTH_HEADER").with(http.StatusUnauthorized)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.sessions[token]
	if !ok || !end.IsZero() && s.config.Now().After(end) {
		delete(s.sessions, token)
		return invalidSession()
	}
	s.sessions[token] = s.sessionEnd()
	return nil
}

func (s *Sim) sessionEnd() time.Time {
	if s.config.SessionLife == 0 {
		return time.Time{}
	}
	return s.config.Now().Add(s.config.SessionLife)
}

func (s *Sim) knows(client string) bool {
	return client != "" && accepts(s.config.ClientID, client)
}

func accepts(want, got string) bool {
	return want == "" || want == got
}

func invalidSession() *failure {
	return fail("INVALID_SESSION_ID", "Session expired or invalid").with(http.StatusUnauthorized)
}

// origin returns the scheme and host of a request.
func origin(r *http.Request) string {
	scheme := r.Header.Get("X-Forwarded-Proto")
	if scheme == "" {
		scheme = "http"
		if r.TLS != nil {
			scheme = "https"
		}
	}
	return scheme + "://" + r.Host
}
