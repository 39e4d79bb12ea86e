export const calls = () => ({ element: document.createElement('div') });
