import { Button, PasswordInput, Stack } from "@mantine/core"
import { useState } from "react"
import { asApiError, login } from "@/api/http"

/** The page without its token: where to find it, and a field for it. */
export function Login() {
  const [token, setToken] = useState("")
  const [problem, setProblem] = useState("")
  const [isBusy, setBusy] = useState(false)

  async function submit() {
    setBusy(true)
    try {
      await login(token.trim())
      window.location.reload()
    } catch (error) {
      const failed = asApiError(error)
      setProblem(`${failed.problem} ${failed.nextStep}`)
      setBusy(false)
    }
  }

  return (
    <main style={{ display: "grid", placeItems: "center", minHeight: "100dvh", padding: 20 }}>
      <form
        className="card"
        style={{ padding: 28, width: "min(460px, 100%)" }}
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Stack gap="md">
          <h1 style={{ margin: 0, fontSize: 20, display: "flex", gap: 10, alignItems: "center" }}>
            <img src="/favicon.svg" alt="" width={30} height={30} />
            canarium
          </h1>
          <p style={{ margin: 0 }}>
            This page needs its token. The address that <code>canarium status</code> prints carries it: open that, or paste the token here.
          </p>
          <PasswordInput
            label="Token"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            error={problem === "" ? undefined : problem}
            aria-invalid={problem !== ""}
            autoFocus
            autoComplete="off"
          />
          <Button type="submit" loading={isBusy} disabled={token.trim() === ""}>
            Log in
          </Button>
        </Stack>
      </form>
    </main>
  )
}
