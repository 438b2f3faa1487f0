/** Short messages that go by themselves. */

import { CircleCheck } from "lucide-react";
import { Toast } from "radix-ui";
import { createContext, type ReactNode, useCallback, useContext, useState } from "react";

interface Said {
  id: number;
  text: ReactNode;
}

const Context = createContext<(text: ReactNode) => void>(() => {});
export const useToast = () => useContext(Context);

let said = 0;

export function Toasts({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Said[]>([]);
  const say = useCallback((text: ReactNode) => {
    said += 1;
    const id = said;
    setShown((before) => [...before.slice(-2), { id, text }]);
  }, []);
  return (
    <Context value={say}>
      <Toast.Provider duration={6000}>
        {children}
        {shown.map(({ id, text }) => (
          <Toast.Root
            key={id}
            className="toast"
            onOpenChange={(open) => open || setShown((before) => before.filter((one) => one.id !== id))}
          >
            <CircleCheck size={17} aria-hidden />
            <Toast.Description asChild>
              <div>{text}</div>
            </Toast.Description>
          </Toast.Root>
        ))}
        <Toast.Viewport className="toasts" />
      </Toast.Provider>
    </Context>
  );
}
