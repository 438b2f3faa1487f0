/** How far something is, as a bar and in words. */

interface Asked {
  label: string;
  value: number;
  /** Null: how much there will be is not known. */
  of: number | null;
  told: string;
  more?: string;
}

export function Meter({ label, value, of, told, more }: Asked) {
  const share = of === null ? null : of > 0 ? Math.min(value / of, 1) : 1;
  return (
    <div className="metered">
      <div
        className="meter"
        role="progressbar"
        aria-label={label}
        aria-valuetext={told}
        aria-valuemin={0}
        aria-valuemax={of ?? undefined}
        aria-valuenow={of === null ? undefined : Math.min(value, of)}
      >
        {share === null ? null : <i style={{ width: `${100 * share}%` }} />}
      </div>
      <p>
        <span>{told}</span>
        <span className="muted">{more}</span>
      </p>
    </div>
  );
}
